-- Grain: one row per purchase on the day on which a card that slept is used again.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        card_days_since_active
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'card_behaviour_001' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_days_since_active as observed_value,
        {{ rule_threshold('card_behaviour_001', 'minimum_days') }}::double as threshold_value,
        {{ evidence(['card_days_since_active', 'amount']) }} as evidence
    from transactions
    where
        card_days_since_active > {{ rule_threshold('card_behaviour_001', 'minimum_days') }}
)

select * from final
