-- Grain: one row per purchase in the city where the card is at home, while its holder is on a trip
-- to another.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        merchant_city,
        trip_city,
        is_outside_trip_city,
        card_city_txn_count_90d / nullif(card_txn_count_90d, 0) as card_city_share_90d
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'time_place_010' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_city_share_90d as observed_value,
        {{ rule_threshold('time_place_010', 'minimum_city_share') }}::double as threshold_value,
        {{ evidence(['merchant_city', 'trip_city', 'card_city_share_90d', 'category', 'amount']) }}
            as evidence
    from transactions
    where
        is_outside_trip_city = 1
        and card_city_share_90d >= {{ rule_threshold('time_place_010', 'minimum_city_share') }}
)

select * from final
