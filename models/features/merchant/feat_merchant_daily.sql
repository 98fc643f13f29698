{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per merchant and day with a transaction. State behind the merchant's long windows.
-- Counts and sums are over purchases (approved, not a refund).
with

transactions as (
    select * from {{ ref('int_transactions') }}
    where {{ in_changed_days('transaction_date') }}
),

final as (
    select
        merchant_id,
        transaction_date,
        count(*) filter (where is_purchase) as txn_count,
        count(distinct card_id) filter (where is_purchase) as card_count,
        coalesce(sum(amount_exact) filter (where is_purchase), 0) as amount_sum,
        max(amount_exact) filter (where is_purchase) as amount_max,
        coalesce(sum({{ squared('amount_exact') }}) filter (where is_purchase), 0)
            as amount_square_sum
    from transactions
    group by merchant_id, transaction_date
    order by transaction_date, merchant_id
)

select * from final
