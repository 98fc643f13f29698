-- Grain: one row per purchase that books a cancelled one of the same merchant anew.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        amount
    from {{ ref('feat_transaction') }}
    where is_purchase
),

joined as (
    select
        transactions.*,
        episodes.cancelled_transaction_id,
        episodes.cancelled_amount,
        episodes.hours_since_cancelled_purchase,
        episodes.is_other_card_than_cancelled
    from transactions
    inner join {{ ref('feat_transaction_episode') }} as episodes
        on
            transactions.transaction_date = episodes.transaction_date
            and transactions.transaction_id = episodes.transaction_id
),

final as (
    select
        'card_behaviour_006' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        hours_since_cancelled_purchase as observed_value,
        {{ rule_threshold('card_behaviour_006', 'minimum_hours') }}::double as threshold_value,
        {{ evidence([
            'cancelled_transaction_id', 'cancelled_amount', 'amount',
            'is_other_card_than_cancelled', 'hours_since_cancelled_purchase',
        ]) }} as evidence
    from joined
    where
        hours_since_cancelled_purchase
        >= {{ rule_threshold('card_behaviour_006', 'minimum_hours') }}
        and amount >= {{ rule_threshold('card_behaviour_006', 'minimum_amount') }}
        -- anything much smaller or larger is another purchase
        and amount / cancelled_amount >= {{ rule_threshold('card_behaviour_006', 'from_share') }}
        and amount / cancelled_amount <= {{ rule_threshold('card_behaviour_006', 'to_share') }}
)

select * from final
