{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per currency, category, department, grade and day with a purchase. State behind
-- peer baselines.
with

transactions as (
    select
        currency,
        coalesce(category, 'unknown') as category_key,
        coalesce(department_id, 'unknown') as department_key,
        coalesce(grade, 'unknown') as grade_key,
        transaction_date,
        log_amount
    from {{ ref('int_transactions') }}
    where
        is_purchase
        and {{ in_changed_days('transaction_date') }}
),

final as (
    select
        currency,
        category_key,
        department_key,
        grade_key,
        transaction_date,
        count(*) as txn_count,
        sum(log_amount) as log_amount_sum,
        sum((log_amount * log_amount)::decimal(18, 12)) as log_amount_square_sum
    from transactions
    group by currency, category_key, department_key, grade_key, transaction_date
    order by transaction_date, currency, category_key, department_key, grade_key
)

select * from final
