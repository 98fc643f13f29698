-- Grain: one row per day on which the detectors are fitted: the first of each month, as soon as
-- there is enough history behind it. A version fitted on a day scores purchases from that day on.
with

days as (
    select distinct transaction_date from {{ ref('feat_card_daily') }}
),

history as (
    select min(transaction_date) as first_day from days
),

final as (
    select distinct date_trunc('month', days.transaction_date)::date as trained_until
    from days
    cross join history
    where
        date_trunc('month', days.transaction_date)::date
        >= history.first_day + {{ var('detector_minimum_history_days') }}
)

select * from final
order by trained_until
