-- Grain: one row per purchase of exactly the daily allowance at a merchant where the card paid the
-- same on other days.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.merchant_name,
        transactions.category,
        months.card_merchant_same_amount_days_30d
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_transaction_month') }} as months
        on
            transactions.transaction_date = months.transaction_date
            and transactions.transaction_id = months.transaction_id
),

final as (
    select
        'limit_evasion_008' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_merchant_same_amount_days_30d + 1 as observed_value,
        {{ rule_threshold('limit_evasion_008', 'minimum_days') }}::double as threshold_value,
        {{ evidence([
            'card_merchant_same_amount_days_30d', 'amount', 'merchant_name', 'category',
        ]) }} as evidence
    from transactions
    where
        amount = {{ rule_threshold('limit_evasion_008', 'daily_allowance') }}
        and card_merchant_same_amount_days_30d + 1
        >= {{ rule_threshold('limit_evasion_008', 'minimum_days') }}
)

select * from final
