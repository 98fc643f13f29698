{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per employee and day with a transaction. State behind the employee's long
-- windows, over all cards. Counts and sums are over purchases (approved, not a refund).
with

transactions as (
    select * from {{ ref('int_transactions') }}
    where
        {{ in_changed_days('transaction_date') }}
        and employee_id is not null
),

final as (
    select
        employee_id,
        transaction_date,
        count(*) filter (where is_purchase) as txn_count,
        coalesce(sum(amount_exact) filter (where is_purchase), 0) as amount_sum,
        max(amount_exact) filter (where is_purchase) as amount_max,
        coalesce(sum({{ squared('amount_exact') }}) filter (where is_purchase), 0)
            as amount_square_sum
    from transactions
    group by employee_id, transaction_date
    order by transaction_date, employee_id
)

select * from final
