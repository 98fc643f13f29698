-- Grain: one row per refund at a merchant, or to a card, where the purchase was not.
with

refunds as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        -amount as refunded_amount,
        card_days_since_merchant,
        card_merchant_txn_count_3d,
        card_txn_count_365d - card_txn_count_90d as card_earlier_txn_count
    from {{ ref('feat_transaction') }}
    where status = 'approved'
),

joined as (
    select
        refunds.*,
        originals.refunded_transaction_id,
        originals.is_at_other_merchant,
        originals.is_to_other_holder
    from refunds
    left outer join {{ ref('feat_transaction_refund') }} as originals
        on
            refunds.transaction_date = originals.transaction_date
            and refunds.transaction_id = originals.transaction_id
),

final as (
    select
        'card_behaviour_007' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        refunded_amount as observed_value,
        {{ rule_threshold('card_behaviour_007', 'minimum_amount') }}::double as threshold_value,
        {{ evidence([
            'refunded_transaction_id', 'is_at_other_merchant', 'is_to_other_holder',
            'card_days_since_merchant', 'card_earlier_txn_count', 'refunded_amount',
        ]) }} as evidence
    from joined
    where
        refunded_amount >= {{ rule_threshold('card_behaviour_007', 'minimum_amount') }}
        and (
            is_at_other_merchant = 1
            or is_to_other_holder = 1
            -- the feed does not say what it refunds: then the card has to have bought there
            or (
                refunded_transaction_id is null
                and card_days_since_merchant is null
                and card_merchant_txn_count_3d = 0
                -- a young card may have bought before its first known purchase
                and card_earlier_txn_count
                >= {{ rule_threshold('card_behaviour_007', 'minimum_earlier_purchases') }}
            )
        )
)

select * from final
