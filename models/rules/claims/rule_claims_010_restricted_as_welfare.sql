-- Grain: one row per claim that books a purchase in a restricted category as welfare.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        purpose,
        amount,
        purchase_category,
        purchase_policy,
        is_welfare
    from {{ ref('feat_claim') }}
),

final as (
    select
        'claims_010' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('claims_010', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['purchase_category', 'account_code', 'purpose', 'amount']) }} as evidence
    from claims
    where
        purchase_policy = 'restricted'
        and is_welfare
        and amount > {{ rule_threshold('claims_010', 'minimum_amount') }}
)

select * from final
