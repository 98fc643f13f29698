-- Grain: one row per purchase within the limit that, with those of the 24 hours before at the same
-- merchant, is above it.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        single_limit,
        card_merchant_txn_count_1d,
        card_merchant_amount_sum_1d
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        -- without a time of day, 24 hours cannot be told
        and hour_of_day is not null
),

final as (
    select
        'limit_evasion_001' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (card_merchant_amount_sum_1d + amount)::double as observed_value,
        single_limit as threshold_value,
        {{ evidence([
            'card_merchant_txn_count_1d', 'card_merchant_amount_sum_1d', 'amount', 'single_limit',
        ]) }} as evidence
    from transactions
    where
        card_merchant_txn_count_1d + 1
        >= {{ rule_threshold('limit_evasion_001', 'minimum_purchases') }}
        and amount <= single_limit
        and card_merchant_amount_sum_1d + amount > single_limit
        -- an earlier bill that was itself above the limit was approved as such, not split
        and card_merchant_amount_sum_1d <= card_merchant_txn_count_1d * single_limit
)

select * from final
