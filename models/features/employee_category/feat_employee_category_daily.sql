{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per employee, category and day with a purchase (approved, not a refund), over all
-- cards. State behind the employee's mix of categories.
with

transactions as (
    select
        *,
        coalesce(category, 'unknown') as category_key
    from {{ ref('int_transactions') }}
    where
        {{ in_changed_days('transaction_date') }}
        and employee_id is not null
        and is_purchase
),

final as (
    select
        employee_id,
        category_key,
        transaction_date,
        count(*) as txn_count
    from transactions
    group by employee_id, category_key, transaction_date
    order by transaction_date, employee_id, category_key
)

select * from final
