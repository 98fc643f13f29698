-- Grain: one row per purchase at a business that was suspended, or had closed before.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        merchant_name,
        merchant_tax_status,
        merchant_closed_on
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        and (
            merchant_closed_on < transaction_date
            -- without the day of closing, the card company's word for it is all there is
            or (merchant_closed_on is null and merchant_tax_status in ('suspended', 'closed'))
        )
),

final as (
    select
        'merchant_013' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('merchant_013', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['merchant_name', 'merchant_tax_status', 'merchant_closed_on', 'amount']) }}
            as evidence
    from transactions
    where amount > {{ rule_threshold('merchant_013', 'minimum_amount') }}
)

select * from final
