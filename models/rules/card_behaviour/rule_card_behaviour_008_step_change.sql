-- Grain: one row per purchase in a category that is new to a card whose purchases have grown.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        card_days_since_category,
        card_amount_mean_30d,
        card_txn_count_30d,
        card_txn_count_365d - card_txn_count_30d as card_txn_count_before,
        (card_amount_sum_365d - card_amount_sum_30d)
        / nullif(card_txn_count_365d - card_txn_count_30d, 0) as card_amount_mean_before
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        and category is not null
),

final as (
    select
        'card_behaviour_008' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (card_amount_mean_30d / card_amount_mean_before)::double as observed_value,
        {{ rule_threshold('card_behaviour_008', 'minimum_times') }}::double as threshold_value,
        {{ evidence([
            'card_amount_mean_30d', 'card_amount_mean_before', 'card_txn_count_30d',
            'card_txn_count_before', 'category', 'amount',
        ]) }} as evidence
    from transactions
    where
        card_amount_mean_30d / card_amount_mean_before
        > {{ rule_threshold('card_behaviour_008', 'minimum_times') }}
        and card_days_since_category is null
        and card_txn_count_30d
        >= {{ rule_threshold('card_behaviour_008', 'minimum_purchases_30d') }}
        and card_txn_count_before
        >= {{ rule_threshold('card_behaviour_008', 'minimum_purchases_before') }}
        and amount >= {{ rule_threshold('card_behaviour_008', 'minimum_amount') }}
)

select * from final
