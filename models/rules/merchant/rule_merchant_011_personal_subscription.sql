-- Grain: one row per payment of the same sum to the same merchant month after month, where work
-- orders nothing by the month.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.merchant_name,
        transactions.mcc,
        transactions.category,
        transactions.is_office_service,
        equal_amounts.employee_merchant_same_amount_count_95d,
        equal_amounts.employee_merchant_same_amount_months
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_employee_merchant_equal_amount') }} as equal_amounts
        on
            transactions.transaction_date = equal_amounts.transaction_date
            and transactions.transaction_id = equal_amounts.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'merchant_011' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_merchant_same_amount_months + 1 as observed_value,
        {{ rule_threshold('merchant_011', 'minimum_payments') }}::double as threshold_value,
        {{ evidence([
            'merchant_name', 'category', 'amount', 'employee_merchant_same_amount_months',
            'employee_merchant_same_amount_count_95d',
        ]) }} as evidence
    from transactions
    where
        employee_merchant_same_amount_months + 1
        >= {{ rule_threshold('merchant_011', 'minimum_payments') }}
        -- the same menu every week comes month after month too
        and employee_merchant_same_amount_count_95d + 1
        <= {{ rule_threshold('merchant_011', 'maximum_payments') }}
        and (
            -- what work orders by the month
            is_office_service is not true
            -- but not films, music and pay television
            or mcc in ('4899', '5815')
        )
)

select * from final
