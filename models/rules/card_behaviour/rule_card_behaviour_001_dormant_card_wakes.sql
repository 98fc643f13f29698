-- Grain: one row per purchase in the weeks after a card that slept is used again.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        card_id,
        amount
    from {{ ref('feat_transaction') }}
    where is_purchase
),

joined as (
    select
        transactions.*,
        wakes.card_days_asleep,
        wakes.card_days_since_woken
    from transactions
    inner join {{ ref('feat_card_wake') }} as wakes
        on
            transactions.transaction_date = wakes.transaction_date
            and transactions.card_id = wakes.card_id
),

final as (
    select
        'card_behaviour_001' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_days_asleep as observed_value,
        {{ rule_threshold('card_behaviour_001', 'minimum_days') }}::double as threshold_value,
        {{ evidence(['card_days_asleep', 'card_days_since_woken', 'amount']) }} as evidence
    from joined
    where
        card_days_asleep > {{ rule_threshold('card_behaviour_001', 'minimum_days') }}
        and card_days_since_woken <= {{ rule_threshold('card_behaviour_001', 'window_days') }}
)

select * from final
