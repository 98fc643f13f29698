-- Grain: one row per purchase in the last days of a quarter, far above peers or the card's own
-- past.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        days_to_month_end,
        peer_amount_z_90d,
        card_amount_z_90d
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        -- every third month ends a quarter
        and extract('month' from authorized_at) % 3 = 0
),

final as (
    select
        'card_behaviour_012' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        greatest(peer_amount_z_90d, card_amount_z_90d) as observed_value,
        {{ rule_threshold('card_behaviour_012', 'minimum_deviation') }}::double as threshold_value,
        {{ evidence(['peer_amount_z_90d', 'card_amount_z_90d', 'days_to_month_end', 'amount']) }}
            as evidence
    from transactions
    where
        days_to_month_end < {{ rule_threshold('card_behaviour_012', 'last_days') }}
        and amount >= {{ rule_threshold('card_behaviour_012', 'minimum_amount') }}
        -- greatest() passes over a null: one of the two is enough
        and greatest(peer_amount_z_90d, card_amount_z_90d)
        > {{ rule_threshold('card_behaviour_012', 'minimum_deviation') }}
)

select * from final
