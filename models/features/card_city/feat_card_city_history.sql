{{ config(unique_key='transaction_date') }}
-- Grain: one row per card, city and day with a purchase there: their past as that day begins.
-- A window of N days is the N whole days before it; longer ago than 365 days counts as never.
with

active_cards as (
    select distinct card_id from {{ ref('feat_card_city_daily') }}
    where {{ in_build_window('transaction_date') }}
),

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_card_city_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=365) }}
        and card_id in (select card_id from active_cards)
),

windowed as (
    select
        card_id,
        merchant_city,
        transaction_date,
        day,
        sum(txn_count) over last_90d as txn_count_90d,
        max(day) over last_365d as last_active_day
    from daily
    window
        last_90d as (
            partition by card_id, merchant_city order by day
            range between 90 preceding and 1 preceding
        ),
        last_365d as (
            partition by card_id, merchant_city order by day
            range between 365 preceding and 1 preceding
        )
),

final as (
    select
        card_id,
        merchant_city as visited_city,
        transaction_date,
        coalesce(txn_count_90d, 0)::double as card_city_txn_count_90d,
        (day - last_active_day)::double as card_days_since_city
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
