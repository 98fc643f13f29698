{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase that may be part of a larger one: within a day before it the card
-- paid at the same merchant, or within an hour other cards of the department paid there, or within
-- two hours the card paid at another place for food and drink at most 300 metres away; as many as
-- the rules may ask for.
-- A window of w seconds is [t - w, t). Bills above their card's limit are nobody's other part: they
-- were approved as they were.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        {{ microsecond_number('authorized_at') }} as microsecond,
        card_id,
        department_id,
        merchant_id,
        latitude,
        longitude,
        single_limit,
        amount_exact,
        case when amount_exact <= single_limit then amount_exact end as amount_within_limit,
        case when amount_exact <= single_limit then single_limit end as limit_not_exceeded,
        is_going_out
        and coalesce(entry_mode, 'unknown') <> 'online'
        and latitude is not null
        and longitude is not null as is_evening_out
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=1) }}
        and is_purchase
        and has_time
),

windowed as (
    select
        transaction_id,
        transaction_date,
        microsecond,
        department_id,
        single_limit,
        max(microsecond) over card_merchant_1d as previous_microsecond,
        -- of several in one second, one and always the same
        max_by(amount_exact, row(microsecond, transaction_id)) over card_merchant_1d
            as previous_amount,
        count(amount_within_limit) over department_merchant_1h as department_count,
        sum(amount_within_limit) over department_merchant_1h as department_sum,
        min(limit_not_exceeded) over department_merchant_1h as department_limit,
        count(amount_within_limit) over department_card_merchant_1h as own_count,
        sum(amount_within_limit) over department_card_merchant_1h as own_sum
    from transactions
    window
        card_merchant_1d as (
            partition by card_id, merchant_id order by microsecond
            range between {{ 86400 * 1000000 }} preceding and 1 preceding
        ),
        department_merchant_1h as (
            partition by department_id, merchant_id order by microsecond
            range between {{ 3600 * 1000000 }} preceding and 1 preceding
        ),
        department_card_merchant_1h as (
            partition by department_id, merchant_id, card_id order by microsecond
            range between {{ 3600 * 1000000 }} preceding and 1 preceding
        )
),

days_back as (
    select 0 as days
    union all
    select 1 as days
),

-- two hours reach into the day before at most, so that the two sides meet by equality
evenings as (
    select
        transactions.*,
        transactions.transaction_date - days_back.days as earlier_date
    from transactions
    cross join days_back
    where
        transactions.is_evening_out
        and {{ in_build_window('transactions.transaction_date') }}
),

neighbours as (
    select
        evenings.transaction_id,
        evenings.transaction_date,
        count(*) as txn_count,
        sum(earlier.amount_within_limit) as amount_sum,
        max(
            {{ kilometres_between(
                'earlier.latitude', 'earlier.longitude', 'evenings.latitude', 'evenings.longitude'
            ) }}
        ) as kilometres
    from evenings
    inner join transactions as earlier
        on
            evenings.card_id = earlier.card_id
            and evenings.earlier_date = earlier.transaction_date
            and evenings.merchant_id <> earlier.merchant_id
            and evenings.authorized_at > earlier.authorized_at
            and evenings.authorized_at <= earlier.authorized_at + interval 2 hour
    where
        earlier.is_evening_out
        and earlier.amount_within_limit is not null
        and {{ kilometres_between(
            'earlier.latitude', 'earlier.longitude', 'evenings.latitude', 'evenings.longitude'
        ) }} <= 0.3
    group by evenings.transaction_id, evenings.transaction_date
),

joined as (
    select
        windowed.*,
        case
            when windowed.department_id is not null
                then windowed.department_count - windowed.own_count
        end as other_card_count,
        neighbours.txn_count as neighbour_count,
        neighbours.amount_sum as neighbour_sum,
        neighbours.kilometres as neighbour_kilometres
    from windowed
    left outer join neighbours
        on
            windowed.transaction_date = neighbours.transaction_date
            and windowed.transaction_id = neighbours.transaction_id
    where {{ in_build_window('windowed.transaction_date') }}
),

final as (
    select
        transaction_id,
        transaction_date,
        (microsecond - previous_microsecond) / 60000000.0 as card_merchant_minutes_since_purchase,
        previous_amount::double as card_merchant_previous_amount,
        other_card_count::double as other_card_txn_count_1h,
        case
            when other_card_count is not null
                then coalesce(department_sum, 0) - coalesce(own_sum, 0)
        end::double as other_card_amount_sum_1h,
        case
            when other_card_count is not null then least(single_limit, department_limit)
        end::double as other_card_single_limit_min_1h,
        coalesce(neighbour_count, 0)::double as neighbour_txn_count_2h,
        coalesce(neighbour_sum, 0)::double as neighbour_amount_sum_2h,
        neighbour_kilometres as neighbour_kilometres_2h
    from joined
    where
        (microsecond - previous_microsecond) / 60000000.0
        <= {{ rule_reach('limit_evasion_003', 'maximum_minutes', 'to', fixed=1440) }}
        or other_card_count + 1
        >= {{ rule_reach('limit_evasion_004', 'minimum_purchases', 'from') }}
        or coalesce(neighbour_count, 0) + 1
        >= {{ rule_reach('limit_evasion_005', 'minimum_purchases', 'from') }}
)

select * from final
