-- Grain: one row per purchase just below the card's single limit, the first one included.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        is_booked,
        is_debited,
        single_limit,
        amount_to_single_limit,
        peer_amount_ratio_90d
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'limit_evasion_006' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        single_limit as threshold_value,
        {{ evidence(['amount_to_single_limit', 'category', 'peer_amount_ratio_90d']) }} as evidence
    from transactions
    where
        amount_to_single_limit >= {{ rule_threshold('limit_evasion_006', 'from_share') }}
        and amount_to_single_limit < 1
        -- fares, rooms and subscriptions have the price they have
        and is_booked is not true
        and is_debited is not true
)

select * from final
