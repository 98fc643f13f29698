-- Grain: one row per purchase of an amount that the employee paid again and again.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.merchant_name,
        transactions.category,
        transactions.category_policy,
        equal_amounts.employee_same_amount_count_90d
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_employee_merchant_equal_amount') }} as equal_amounts
        on
            transactions.transaction_date = equal_amounts.transaction_date
            and transactions.transaction_id = equal_amounts.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'cash_like_006' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_same_amount_count_90d + 1 as observed_value,
        {{ rule_threshold('cash_like_006', 'minimum_purchases') }}::double as threshold_value,
        {{ evidence([
            'merchant_name', 'category', 'amount', 'employee_same_amount_count_90d',
        ]) }} as evidence
    from transactions
    where
        employee_same_amount_count_90d + 1
        >= {{ rule_threshold('cash_like_006', 'minimum_purchases') }}
        and amount > {{ rule_threshold('cash_like_006', 'minimum_amount') }}
        -- sold in fixed values: gift certificates, which cash_like_001 counts, and fuel
        and coalesce(category_policy, 'none') <> 'cash_like'
        and coalesce(category, 'unknown') <> 'fuel'
)

select * from final
