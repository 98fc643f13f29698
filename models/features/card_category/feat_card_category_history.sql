{{ config(unique_key='transaction_date') }}
-- Grain: one row per card, category and day with a transaction: their past as that day begins.
-- A window of N days is the N whole days before it; longer ago than 365 days counts as never.
with

active as (
    select distinct card_id from {{ ref('feat_card_category_daily') }}
    where {{ in_build_window('transaction_date') }}
),

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_card_category_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=365) }}
        and card_id in (select card_id from active)
),

windowed as (
    select
        card_id,
        category_key,
        transaction_date,
        day,
        sum(txn_count) over last_30d as txn_count_30d,
        sum(amount_sum) over last_30d as amount_sum_30d,
        sum(txn_count) over last_90d as txn_count_90d,
        sum(amount_sum) over last_90d as amount_sum_90d,
        sum(amount_square_sum) over last_90d as amount_square_sum_90d,
        max(amount_max) over last_90d as amount_max_90d,
        sum(txn_count) over last_365d as txn_count_365d,
        max(case when txn_count > 0 then day end) over last_365d as last_active_day
    from daily
    window
        last_30d as (
            partition by card_id, category_key order by day
            range between 30 preceding and 1 preceding
        ),
        last_90d as (
            partition by card_id, category_key order by day
            range between 90 preceding and 1 preceding
        ),
        last_365d as (
            partition by card_id, category_key order by day
            range between 365 preceding and 1 preceding
        )
),

final as (
    select
        card_id,
        category_key,
        transaction_date,
        coalesce(txn_count_30d, 0)::double as card_category_txn_count_30d,
        coalesce(amount_sum_30d, 0)::double as card_category_amount_sum_30d,
        coalesce(txn_count_90d, 0)::double as card_category_txn_count_90d,
        coalesce(amount_sum_90d, 0)::double as card_category_amount_sum_90d,
        amount_sum_90d::double / nullif(txn_count_90d, 0) as card_category_amount_mean_90d,
        amount_max_90d::double as card_category_amount_max_90d,
        {{ standard_deviation('txn_count_90d', 'amount_sum_90d', 'amount_square_sum_90d') }}
            as card_category_amount_std_90d,
        coalesce(txn_count_365d, 0)::double as card_category_txn_count_365d,
        (day - last_active_day)::double as card_days_since_category
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
