-- Grain: one row per purchase at a merchant that the card company flags as entertainment (유흥).
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        merchant_name,
        merchant_type,
        category_policy
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'merchant_012' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('merchant_012', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['merchant_name', 'merchant_type', 'amount']) }} as evidence
    from transactions
    where
        merchant_type = 'entertainment'
        -- where the category says it already, merchant_001 does
        and coalesce(category_policy, 'none') <> 'restricted'
        and amount > {{ rule_threshold('merchant_012', 'minimum_amount') }}
)

select * from final
