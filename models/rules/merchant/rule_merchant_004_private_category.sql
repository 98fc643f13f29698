-- Grain: one row per purchase in a category that is rarely company business.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        mcc,
        category,
        category_policy
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'merchant_004' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('merchant_004', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['mcc', 'category', 'amount']) }} as evidence
    from transactions
    where
        category_policy = 'private'
        and amount > {{ rule_threshold('merchant_004', 'minimum_amount') }}
)

select * from final
