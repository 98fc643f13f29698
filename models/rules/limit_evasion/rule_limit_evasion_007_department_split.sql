-- Grain: one row per larger purchase at a merchant where several cards of the department together
-- spent more than one order may cost within 30 days.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category,
        transactions.department_id,
        transactions.single_limit,
        months.department_merchant_txn_count_30d,
        months.department_merchant_amount_sum_30d,
        months.department_merchant_other_card_txn_count_30d
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_transaction_month') }} as months
        on
            transactions.transaction_date = months.transaction_date
            and transactions.transaction_id = months.transaction_id
),

final as (
    select
        'limit_evasion_007' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        department_merchant_amount_sum_30d + amount as observed_value,
        {{ rule_threshold('limit_evasion_007', 'maximum_sum_30d') }}::double as threshold_value,
        {{ evidence([
            'department_id', 'department_merchant_txn_count_30d',
            'department_merchant_other_card_txn_count_30d', 'amount', 'category', 'single_limit',
        ]) }} as evidence
    from transactions
    where
        department_merchant_amount_sum_30d + amount
        > {{ rule_threshold('limit_evasion_007', 'maximum_sum_30d') }}
        -- what one card buys in parts is another rule's
        and department_merchant_other_card_txn_count_30d > 0
        and amount <= single_limit
        -- a department that lunches at one place every day splits nothing
        and amount >= {{ rule_threshold('limit_evasion_007', 'minimum_amount') }}
        and department_merchant_amount_sum_30d
        >= {{ rule_threshold('limit_evasion_007', 'minimum_amount') }}
        * department_merchant_txn_count_30d
)

select * from final
