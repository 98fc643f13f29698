-- Grain: one row per purchase in a burst of purchases.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        card_txn_count_1d,
        card_txn_count_30d,
        is_on_trip
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        -- without a time of day, 24 hours cannot be told
        and hour_of_day is not null
),

final as (
    select
        'card_behaviour_002' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (card_txn_count_1d + 1)::double as observed_value,
        {{ rule_threshold('card_behaviour_002', 'maximum_purchases_1d') }}::double
            as threshold_value,
        {{ evidence(['card_txn_count_1d', 'card_txn_count_30d', 'amount']) }} as evidence
    from transactions
    where
        card_txn_count_1d + 1 > {{ rule_threshold('card_behaviour_002', 'maximum_purchases_1d') }}
        -- a card without a purchase in the 30 days has no pace: there the count alone decides
        and card_txn_count_1d + 1
        >= {{ rule_threshold('card_behaviour_002', 'minimum_pace') }} * card_txn_count_30d / 30
        -- who travels pays for every ride, meal and room
        and coalesce(is_on_trip, 0) = 0
)

select * from final
