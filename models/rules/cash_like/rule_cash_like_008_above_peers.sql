-- Grain: one row per purchase far above what peers pay in the category.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        peer_txn_count_90d,
        peer_amount_ratio_90d,
        peer_amount_z_90d
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'cash_like_008' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        peer_amount_z_90d as observed_value,
        {{ rule_threshold('cash_like_008', 'minimum_deviation') }}::double as threshold_value,
        {{ evidence(['category', 'amount', 'peer_amount_ratio_90d', 'peer_txn_count_90d']) }}
            as evidence
    from transactions
    where
        peer_amount_z_90d > {{ rule_threshold('cash_like_008', 'minimum_deviation') }}
        and peer_txn_count_90d >= {{ rule_threshold('cash_like_008', 'minimum_peer_purchases') }}
        and amount > {{ rule_threshold('cash_like_008', 'minimum_amount') }}
)

select * from final
