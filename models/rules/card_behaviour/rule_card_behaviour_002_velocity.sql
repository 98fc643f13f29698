-- Grain: one row per purchase in a burst of purchases.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        amount,
        card_txn_count_30d,
        is_on_trip
    from {{ ref('feat_transaction') }}
    where is_purchase
),

joined as (
    select
        transactions.*,
        episodes.card_txn_count_5h
    from transactions
    inner join {{ ref('feat_transaction_episode') }} as episodes
        on
            transactions.transaction_date = episodes.transaction_date
            and transactions.transaction_id = episodes.transaction_id
),

final as (
    select
        'card_behaviour_002' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (card_txn_count_5h + 1)::double as observed_value,
        {{ rule_threshold('card_behaviour_002', 'maximum_purchases_5h') }}::double
            as threshold_value,
        {{ evidence(['card_txn_count_5h', 'card_txn_count_30d', 'amount']) }} as evidence
    from joined
    where
        card_txn_count_5h + 1 > {{ rule_threshold('card_behaviour_002', 'maximum_purchases_5h') }}
        -- a card without a purchase in the 30 days has no pace: there the count alone decides
        and card_txn_count_5h + 1
        >= {{ rule_threshold('card_behaviour_002', 'minimum_pace') }} * card_txn_count_30d / 30
        -- who travels pays for every ride, meal and room
        and coalesce(is_on_trip, 0) = 0
)

select * from final
