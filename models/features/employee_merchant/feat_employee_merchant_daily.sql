{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per employee, merchant and day with a transaction. State behind what an
-- employee does at a merchant, over all cards. Counts and sums are over purchases (approved, not
-- a refund).
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
        merchant_id,
        transaction_date,
        count(*) filter (where is_purchase) as txn_count,
        coalesce(sum(amount_exact) filter (where is_purchase), 0) as amount_sum,
        max(amount_exact) filter (where is_purchase) as amount_max,
        coalesce(sum({{ squared('amount_exact') }}) filter (where is_purchase), 0)
            as amount_square_sum
    from transactions
    group by employee_id, merchant_id, transaction_date
    order by transaction_date, employee_id, merchant_id
)

select * from final
