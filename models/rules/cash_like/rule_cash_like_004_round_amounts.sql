-- Grain: one row per round purchase of an employee who has far more of them than others.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category_policy,
        round_amounts.employee_round_count_90d,
        round_amounts.employee_round_expected_90d,
        round_amounts.employee_round_deviation_90d
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_employee_round_amount') }} as round_amounts
        on
            transactions.transaction_date = round_amounts.transaction_date
            and transactions.transaction_id = round_amounts.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'cash_like_004' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_round_deviation_90d as observed_value,
        {{ rule_threshold('cash_like_004', 'minimum_deviation') }}::double as threshold_value,
        {{ evidence([
            'amount', 'employee_round_count_90d', 'employee_round_expected_90d',
        ]) }} as evidence
    from transactions
    where
        employee_round_deviation_90d > {{ rule_threshold('cash_like_004', 'minimum_deviation') }}
        and employee_round_count_90d
        >= {{ rule_threshold('cash_like_004', 'minimum_round_purchases') }}
        and amount > {{ rule_threshold('cash_like_004', 'minimum_amount') }}
        -- gift certificates are round by nature, and cash_like_001 counts them
        and coalesce(category_policy, 'none') <> 'cash_like'
)

select * from final
