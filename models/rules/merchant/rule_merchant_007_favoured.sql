-- Grain: one row per purchase at a merchant with a large share of the employee's spending and
-- hardly any of the colleagues' purchases.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        merchant_name,
        entry_mode,
        employee_txn_count_90d,
        employee_amount_sum_90d,
        employee_merchant_txn_count_90d,
        employee_merchant_amount_sum_90d,
        merchant_txn_count_90d - employee_merchant_txn_count_90d as others_txn_count_90d,
        department_txn_count_90d - employee_txn_count_90d as peers_txn_count_90d
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'merchant_007' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_merchant_amount_sum_90d / employee_amount_sum_90d as observed_value,
        {{ rule_threshold('merchant_007', 'minimum_share') }}::double as threshold_value,
        {{ evidence([
            'merchant_name', 'employee_merchant_amount_sum_90d', 'employee_amount_sum_90d',
            'employee_merchant_txn_count_90d', 'others_txn_count_90d', 'peers_txn_count_90d',
        ]) }} as evidence
    from transactions
    where
        -- a service that one person orders for all is paid online
        coalesce(entry_mode, 'unknown') <> 'online'
        and employee_txn_count_90d >= {{ rule_threshold('merchant_007', 'minimum_purchases') }}
        and employee_merchant_txn_count_90d
        >= {{ rule_threshold('merchant_007', 'minimum_merchant_purchases') }}
        and employee_merchant_amount_sum_90d / employee_amount_sum_90d
        > {{ rule_threshold('merchant_007', 'minimum_share') }}
        and others_txn_count_90d
        < peers_txn_count_90d * {{ rule_threshold('merchant_007', 'maximum_peer_share') }}
)

select * from final
