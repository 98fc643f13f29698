{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per department and day with a transaction. State behind the department's long
-- windows. Counts and sums are over purchases (approved, not a refund).
with

transactions as (
    select * from {{ ref('int_transactions') }}
    where
        {{ in_changed_days('transaction_date') }}
        and department_id is not null
),

final as (
    select
        department_id,
        transaction_date,
        count(*) filter (where is_purchase) as txn_count,
        coalesce(sum(amount_exact) filter (where is_purchase), 0) as amount_sum,
        max(amount_exact) filter (where is_purchase) as amount_max,
        coalesce(sum({{ squared('amount_exact') }}) filter (where is_purchase), 0)
            as amount_square_sum
    from transactions
    group by department_id, transaction_date
    order by transaction_date, department_id
)

select * from final
