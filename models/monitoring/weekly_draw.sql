{{ config(
    materialized='incremental', incremental_strategy='build_window', unique_key='week_until',
    on_schema_change='fail'
) }}
-- Grain: one row per card and complete week: one of the card's purchases of that week, drawn by a
-- hash. Purchases of one card resemble each other, so a hundred of them say less than a hundred
-- cards do, and a test that counts them all finds drift everywhere.
with

purchases as (
    select
        transaction_id,
        transaction_date,
        card_id,
        date_trunc('week', transaction_date)::date as week
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        and {{ in_build_window('transaction_date', lookback=6) }}
),

first_days as (
    select min(transaction_date) as first_day from {{ ref('feat_transaction') }}
),

weeks as (
    select
        purchases.*,
        purchases.week + 6 as week_until
    from purchases
    cross join first_days
    where purchases.week >= first_days.first_day
),

drawn as (
    select
        card_id,
        week,
        week_until,
        min_by(
            transaction_id, row({{ hash_fraction('transaction_id') }}, transaction_id)
        ) as transaction_id,
        min_by(
            transaction_date, row({{ hash_fraction('transaction_id') }}, transaction_id)
        ) as transaction_date
    from weeks
    where {{ in_build_window('week_until') }}
    group by card_id, week, week_until
),

final as (
    select
        card_id,
        week,
        week_until,
        transaction_id,
        transaction_date,
        -- by another hash: who purchases often has a lower one of the first kind
        row_number() over (
            partition by week
            order by {{ hash_fraction("concat_ws('|', card_id, week)") }} asc, card_id asc
        )::integer as place
    from drawn
)

select * from final
