{{ config(unique_key='transaction_date') }}
-- Grain: one row per employee and day with a transaction: their past as that day begins.
-- A window of N days is the N whole days before it; longer ago than 365 days counts as never.
with

active as (
    select distinct employee_id from {{ ref('feat_employee_daily') }}
    where {{ in_build_window('transaction_date') }}
),

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_employee_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=365) }}
        and employee_id in (select employee_id from active)
),

windowed as (
    select
        employee_id,
        transaction_date,
        day,
        sum(txn_count) over last_7d as txn_count_7d,
        sum(amount_sum) over last_7d as amount_sum_7d,
        sum(txn_count) over last_30d as txn_count_30d,
        sum(amount_sum) over last_30d as amount_sum_30d,
        max(amount_max) over last_30d as amount_max_30d,
        sum(txn_count) over last_90d as txn_count_90d,
        sum(amount_sum) over last_90d as amount_sum_90d,
        sum(amount_square_sum) over last_90d as amount_square_sum_90d,
        max(amount_max) over last_90d as amount_max_90d,
        sum({{ squared('amount_sum') }}) over days_8_to_90
            as earlier_amount_square_sum,
        sum(txn_count) over last_365d as txn_count_365d,
        sum(amount_sum) over last_365d as amount_sum_365d,
        min(case when txn_count > 0 then day end) over last_365d as first_active_day,
        max(case when txn_count > 0 then day end) over last_365d as last_active_day
    from daily
    window
        last_7d as (
            partition by employee_id order by day
            range between 7 preceding and 1 preceding
        ),
        last_30d as (
            partition by employee_id order by day
            range between 30 preceding and 1 preceding
        ),
        last_90d as (
            partition by employee_id order by day
            range between 90 preceding and 1 preceding
        ),
        days_8_to_90 as (
            partition by employee_id order by day
            range between 90 preceding and 8 preceding
        ),
        last_365d as (
            partition by employee_id order by day
            range between 365 preceding and 1 preceding
        )
),

compared as (
    select
        *,
        txn_count_90d - coalesce(txn_count_7d, 0) as earlier_txn_count,
        amount_sum_90d - coalesce(amount_sum_7d, 0) as earlier_amount_sum,
        -- of the days 8 to 90 before, those since the first purchase that is known
        case
            when first_active_day is not null then least(83, day - 7 - first_active_day)
        end as earlier_days
    from windowed
),

final as (
    select
        employee_id,
        transaction_date,
        coalesce(txn_count_7d, 0)::double as employee_txn_count_7d,
        coalesce(amount_sum_7d, 0)::double as employee_amount_sum_7d,
        coalesce(txn_count_30d, 0)::double as employee_txn_count_30d,
        coalesce(amount_sum_30d, 0)::double as employee_amount_sum_30d,
        amount_sum_30d::double / nullif(txn_count_30d, 0) as employee_amount_mean_30d,
        amount_max_30d::double as employee_amount_max_30d,
        coalesce(txn_count_90d, 0)::double as employee_txn_count_90d,
        coalesce(amount_sum_90d, 0)::double as employee_amount_sum_90d,
        amount_sum_90d::double / nullif(txn_count_90d, 0) as employee_amount_mean_90d,
        amount_max_90d::double as employee_amount_max_90d,
        {{ standard_deviation('txn_count_90d', 'amount_sum_90d', 'amount_square_sum_90d') }}
            as employee_amount_std_90d,
        coalesce(txn_count_365d, 0)::double as employee_txn_count_365d,
        coalesce(amount_sum_365d, 0)::double as employee_amount_sum_365d,
        amount_sum_365d::double / nullif(txn_count_365d, 0) as employee_amount_mean_365d,
        (day - last_active_day)::double as employee_days_since_active,
        {{ amount_shift() }} as employee_amount_shift_7d
    from compared
    where {{ in_build_window('transaction_date') }}
)

select * from final
