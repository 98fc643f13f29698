{{ config(unique_key='transaction_date') }}
-- Grain: one row per card and day with a purchase, less than 60 days after the card was used again
-- after 60 days or more without a purchase, as long as card_behaviour_001 may ask for. Longer ago
-- than 365 days counts as never.
with

active as (
    select distinct card_id from {{ ref('feat_card_daily') }}
    where
        {{ in_build_window('transaction_date') }}
        and txn_count > 0
),

days as (
    select
        card_id,
        transaction_date,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_card_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=425) }}
        and txn_count > 0
        and card_id in (select card_id from active)
),

slept as (
    select
        card_id,
        transaction_date,
        day,
        day - max(day) over (
            partition by card_id order by day
            range between 365 preceding and 1 preceding
        ) as days_asleep
    from days
),

wakings as (
    select
        *,
        case
            when
                days_asleep
                >= {{ rule_reach('card_behaviour_001', 'minimum_days', 'from', fixed=60) }}
                then day
        end as waking_day
    from slept
),

-- a sleep takes longer than the days it is remembered, so that there is one waking in them
woken as (
    select
        card_id,
        transaction_date,
        day,
        max(waking_day) over last_60d as woken_day,
        max_by(days_asleep, waking_day) over last_60d as days_asleep
    from wakings
    window last_60d as (
        partition by card_id order by day
        range between 59 preceding and current row
    )
),

final as (
    select
        card_id,
        transaction_date,
        days_asleep::double as card_days_asleep,
        (day - woken_day)::double as card_days_since_woken
    from woken
    where
        day - woken_day <= {{ rule_reach('card_behaviour_001', 'window_days', 'to', fixed=59) }}
        and {{ in_build_window('transaction_date') }}
)

select * from final
