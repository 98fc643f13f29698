-- Grain: one row per purchase of an employee who lately paid at the same place under another name.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.merchant_name,
        twins.twin_merchant_name,
        twins.twin_shared,
        twins.employee_twin_amount_sum_30d
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_employee_merchant_twin') }} as twins
        on
            transactions.transaction_date = twins.transaction_date
            and transactions.transaction_id = twins.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'merchant_008' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (employee_twin_amount_sum_30d + amount)::double as observed_value,
        {{ rule_threshold('merchant_008', 'minimum_sum_30d') }}::double as threshold_value,
        {{ evidence([
            'merchant_name', 'twin_merchant_name', 'twin_shared', 'employee_twin_amount_sum_30d',
            'amount',
        ]) }} as evidence
    from transactions
    where
        employee_twin_amount_sum_30d + amount
        > {{ rule_threshold('merchant_008', 'minimum_sum_30d') }}
)

select * from final
