-- Grain: one row per cash claim for a sum that the same employee paid by card shortly before.
with

claims as (
    select
        claim_id,
        card_transaction_id,
        submitted_at,
        amount,
        purpose,
        receipt_no,
        days_since_equal_card_purchase
    from {{ ref('feat_claim') }}
    where
        payment = 'cash'
        -- a wreath on the card and condolence money of the same sum are two things
        and not coalesce(is_condolence, false)
),

final as (
    select
        'claims_002' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        card_transaction_id as transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('claims_002', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['card_transaction_id', 'amount', 'purpose', 'receipt_no']) }} as evidence
    from claims
    where
        days_since_equal_card_purchase <= {{ rule_threshold('claims_002', 'window_days') }}
        and amount >= {{ rule_threshold('claims_002', 'minimum_amount') }}
)

select * from final
