{{ config(unique_key='transaction_date') }}
-- Grain: one row per department and day with a transaction: their past as that day begins.
-- A window of N days is the N whole days before it.
with

active as (
    select distinct department_id from {{ ref('feat_department_daily') }}
    where {{ in_build_window('transaction_date') }}
),

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_department_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=90) }}
        and department_id in (select department_id from active)
),

windowed as (
    select
        department_id,
        transaction_date,
        sum(txn_count) over last_7d as txn_count_7d,
        sum(amount_sum) over last_7d as amount_sum_7d,
        sum(txn_count) over last_30d as txn_count_30d,
        sum(amount_sum) over last_30d as amount_sum_30d,
        sum(txn_count) over last_90d as txn_count_90d,
        sum(amount_sum) over last_90d as amount_sum_90d,
        sum(amount_square_sum) over last_90d as amount_square_sum_90d,
        max(amount_max) over last_90d as amount_max_90d
    from daily
    window
        last_7d as (
            partition by department_id order by day
            range between 7 preceding and 1 preceding
        ),
        last_30d as (
            partition by department_id order by day
            range between 30 preceding and 1 preceding
        ),
        last_90d as (
            partition by department_id order by day
            range between 90 preceding and 1 preceding
        )
),

final as (
    select
        department_id,
        transaction_date,
        coalesce(txn_count_7d, 0)::double as department_txn_count_7d,
        coalesce(amount_sum_7d, 0)::double as department_amount_sum_7d,
        coalesce(txn_count_30d, 0)::double as department_txn_count_30d,
        coalesce(amount_sum_30d, 0)::double as department_amount_sum_30d,
        amount_sum_30d::double / nullif(txn_count_30d, 0) as department_amount_mean_30d,
        coalesce(txn_count_90d, 0)::double as department_txn_count_90d,
        coalesce(amount_sum_90d, 0)::double as department_amount_sum_90d,
        amount_sum_90d::double / nullif(txn_count_90d, 0) as department_amount_mean_90d,
        amount_max_90d::double as department_amount_max_90d,
        {{ standard_deviation('txn_count_90d', 'amount_sum_90d', 'amount_square_sum_90d') }}
            as department_amount_std_90d
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
