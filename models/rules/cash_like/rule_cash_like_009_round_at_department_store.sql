-- Grain: one row per round purchase at a department store, where gift certificates are sold.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        merchant_name,
        category,
        amount_is_round
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'cash_like_009' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('cash_like_009', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['merchant_name', 'category', 'amount']) }} as evidence
    from transactions
    where
        category = 'department_store'
        and amount_is_round = 1
        and amount > {{ rule_threshold('cash_like_009', 'minimum_amount') }}
)

select * from final
