-- Grain: one row per purchase where the payee is a payment agency or a wallet.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.merchant_name,
        disguises.aggregator_keyword
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_merchant_disguise') }} as disguises
        on
            transactions.transaction_date = disguises.transaction_date
            and transactions.transaction_id = disguises.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'merchant_009' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('merchant_009', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['merchant_name', 'aggregator_keyword', 'amount']) }} as evidence
    from transactions
    where
        aggregator_keyword is not null
        and amount > {{ rule_threshold('merchant_009', 'minimum_amount') }}
)

select * from final
