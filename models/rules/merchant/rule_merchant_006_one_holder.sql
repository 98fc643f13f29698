-- Grain: one row per purchase at a merchant to which hardly anybody else of the company goes.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        merchant_name,
        category,
        entry_mode,
        is_on_trip,
        merchant_txn_count_365d,
        employee_merchant_txn_count_365d,
        employee_merchant_amount_sum_365d,
        -- everybody has a favourite table that no colleague shares
        case
            when is_meal
                then {{ rule_threshold('merchant_006', 'minimum_meal_sum_365d') }}
            else {{ rule_threshold('merchant_006', 'minimum_sum_365d') }}
        end as minimum_sum
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'merchant_006' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (employee_merchant_amount_sum_365d + amount)::double as observed_value,
        minimum_sum::double as threshold_value,
        {{ evidence([
            'merchant_name', 'category', 'employee_merchant_txn_count_365d',
            'merchant_txn_count_365d', 'employee_merchant_amount_sum_365d', 'amount',
        ]) }} as evidence
    from transactions
    where
        -- what is bought online is often one person's tool, and a trip leads to places of its own
        coalesce(entry_mode, 'unknown') <> 'online'
        and coalesce(is_on_trip, 0) = 0
        and employee_merchant_txn_count_365d + 1
        >= {{ rule_threshold('merchant_006', 'minimum_purchases') }}
        and employee_merchant_txn_count_365d
        >= merchant_txn_count_365d * {{ rule_threshold('merchant_006', 'minimum_share') }}
        and employee_merchant_amount_sum_365d + amount > minimum_sum
)

select * from final
