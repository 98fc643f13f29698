{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per purchase and other card that paid at the same merchant within the half hour
-- before it. In a crowd a meeting says nothing: purchases with more than meeting_crowd others in
-- that time have no row.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        {{ microsecond_number('authorized_at') }} as microsecond,
        card_id,
        merchant_id,
        -- half hours since 1970, so that the two sides meet by equality
        {{ half_hour_number('authorized_at') }} as half_hour
    from {{ ref('int_transactions') }}
    where
        {{ in_changed_days('transaction_date', lookback=1) }}
        and is_purchase
        and has_time
),

counted as (
    select
        *,
        count(*) over (
            partition by merchant_id order by microsecond
            range between {{ 1800 * 1000000 }} preceding and 1 preceding
        ) as earlier_count
    from transactions
),

half_hours_back as (
    select 0 as half_hours
    union all
    select 1 as half_hours
),

followers as (
    select
        counted.*,
        counted.half_hour - half_hours_back.half_hours as earlier_half_hour
    from counted
    cross join half_hours_back
    where
        {{ in_changed_days('counted.transaction_date') }}
        and counted.earlier_count > 0
        and counted.earlier_count <= {{ var('meeting_crowd') }}
),

final as (
    select
        followers.transaction_id,
        followers.transaction_date,
        least(followers.card_id, earlier.card_id) as card_id,
        greatest(followers.card_id, earlier.card_id) as other_card_id,
        count(*) as txn_count
    from followers
    inner join transactions as earlier
        on
            followers.merchant_id = earlier.merchant_id
            and followers.earlier_half_hour = earlier.half_hour
            and followers.card_id <> earlier.card_id
            and followers.authorized_at > earlier.authorized_at
            and followers.authorized_at <= earlier.authorized_at + interval 30 minute
    group by
        followers.transaction_id,
        followers.transaction_date,
        least(followers.card_id, earlier.card_id),
        greatest(followers.card_id, earlier.card_id)
)

select * from final
