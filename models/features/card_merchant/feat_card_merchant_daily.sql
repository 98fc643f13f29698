{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per card, merchant and day with a transaction. State behind novelty and recency.
-- Counts are over purchases (approved, not a refund).
with

transactions as (
    select
        card_id,
        merchant_id,
        transaction_date,
        is_purchase
    from {{ ref('int_transactions') }}
    where {{ in_changed_days('transaction_date') }}
),

final as (
    select
        card_id,
        merchant_id,
        transaction_date,
        count(*) filter (where is_purchase) as txn_count
    from transactions
    group by card_id, merchant_id, transaction_date
    order by transaction_date, card_id, merchant_id
)

select * from final
