-- Grain: one row per round and high purchase, again, at a merchant with little traffic.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.merchant_name,
        transactions.category,
        transactions.category_policy,
        transactions.peer_amount_ratio_90d,
        transactions.merchant_card_count_90d,
        round_amounts.employee_merchant_round_count_90d
    from {{ ref('feat_transaction') }} as transactions
    -- only round amounts are there
    inner join {{ ref('feat_employee_round_amount') }} as round_amounts
        on
            transactions.transaction_date = round_amounts.transaction_date
            and transactions.transaction_id = round_amounts.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'cash_like_003' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_merchant_round_count_90d + 1 as observed_value,
        {{ rule_threshold('cash_like_003', 'minimum_purchases') }}::double as threshold_value,
        {{ evidence([
            'merchant_name', 'category', 'amount', 'peer_amount_ratio_90d',
            'employee_merchant_round_count_90d', 'merchant_card_count_90d',
        ]) }} as evidence
    from transactions
    where
        employee_merchant_round_count_90d + 1
        >= {{ rule_threshold('cash_like_003', 'minimum_purchases') }}
        and amount > {{ rule_threshold('cash_like_003', 'minimum_amount') }}
        and merchant_card_count_90d <= {{ rule_threshold('cash_like_003', 'maximum_cards_90d') }}
        -- gift certificates are round by nature, and cash_like_001 counts them
        and coalesce(category_policy, 'none') <> 'cash_like'
)

select * from final
