{{ config(unique_key='transaction_date') }}
-- Grain: one row per refund that names a purchase known from the 365 days before: whether it went
-- back to where the money came from.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        card_id,
        employee_id,
        merchant_id,
        amount_exact,
        status,
        is_purchase,
        original_transaction_id
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date', lookback=365) }}
),

refunds as (
    select * from transactions
    where
        status = 'approved'
        and amount_exact < 0
        and {{ in_build_window('transaction_date') }}
),

final as (
    select
        refunds.transaction_id,
        refunds.transaction_date,
        originals.transaction_id as refunded_transaction_id,
        (refunds.merchant_id <> originals.merchant_id)::integer::double as is_at_other_merchant,
        -- a card that replaced a lost one is still the same person's
        (
            refunds.card_id <> originals.card_id
            and coalesce(refunds.employee_id <> originals.employee_id, true)
        )::integer::double as is_to_other_holder
    from refunds
    inner join transactions as originals
        on
            refunds.original_transaction_id = originals.transaction_id
            and refunds.authorized_at >= originals.authorized_at
            and refunds.transaction_date - 365 <= originals.transaction_date
    where originals.is_purchase
)

select * from final
