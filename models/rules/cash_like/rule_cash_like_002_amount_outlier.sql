-- Grain: one row per purchase far above what the card usually buys and above its largest.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        card_baseline_amount_mean,
        card_amount_deviation_from_baseline,
        card_amount_to_max_90d
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'cash_like_002' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_amount_deviation_from_baseline as observed_value,
        {{ rule_threshold('cash_like_002', 'minimum_deviation') }}::double as threshold_value,
        {{ evidence([
            'amount', 'card_baseline_amount_mean', 'card_amount_to_max_90d',
        ]) }} as evidence
    from transactions
    where
        card_amount_deviation_from_baseline
        > {{ rule_threshold('cash_like_002', 'minimum_deviation') }}
        and card_amount_to_max_90d
        > {{ rule_threshold('cash_like_002', 'minimum_ratio_to_largest') }}
)

select * from final
