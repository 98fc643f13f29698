-- Grain: one row per purchase at a merchant whose name says what its category does not.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.merchant_name,
        transactions.category_policy,
        disguises.restricted_keyword
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_merchant_disguise') }} as disguises
        on
            transactions.transaction_date = disguises.transaction_date
            and transactions.transaction_id = disguises.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'merchant_002' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('merchant_002', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['merchant_name', 'restricted_keyword', 'amount']) }} as evidence
    from transactions
    where
        restricted_keyword is not null
        -- where the category says it already, merchant_001 and cash_like_001 do
        and coalesce(category_policy, 'none') not in ('restricted', 'cash_like')
        and amount > {{ rule_threshold('merchant_002', 'minimum_amount') }}
)

select * from final
