{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per card, category and day with a transaction. State behind what a card does in a
-- category. Counts and sums are over purchases (approved, not a refund).
with

transactions as (
    select
        *,
        coalesce(category, 'unknown') as category_key
    from {{ ref('int_transactions') }}
    where {{ in_changed_days('transaction_date') }}
),

final as (
    select
        card_id,
        category_key,
        transaction_date,
        count(*) filter (where is_purchase) as txn_count,
        coalesce(sum(amount_exact) filter (where is_purchase), 0) as amount_sum,
        max(amount_exact) filter (where is_purchase) as amount_max,
        coalesce(sum({{ squared('amount_exact') }}) filter (where is_purchase), 0)
            as amount_square_sum
    from transactions
    group by card_id, category_key, transaction_date
    order by transaction_date, card_id, category_key
)

select * from final
