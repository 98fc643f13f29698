{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per card, city and day with a purchase there in person. State behind where a card
-- is used. What was bought online happened nowhere.
with

transactions as (
    select
        card_id,
        merchant_city,
        transaction_date
    from {{ ref('int_transactions') }}
    where
        {{ in_changed_days('transaction_date') }}
        and is_purchase
        and merchant_city is not null
        and coalesce(entry_mode, 'unknown') <> 'online'
),

final as (
    select
        card_id,
        merchant_city,
        transaction_date,
        count(*) as txn_count
    from transactions
    group by card_id, merchant_city, transaction_date
    order by transaction_date, card_id, merchant_city
)

select * from final
