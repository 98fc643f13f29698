-- Grain: one row per claim that asks for an allowance beside what it covers, or the reverse.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        purpose,
        amount,
        paired_claim_id,
        days_since_paired_claim
    from {{ ref('feat_claim') }}
),

final as (
    select
        'claims_007' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        days_since_paired_claim as observed_value,
        {{ rule_threshold('claims_007', 'maximum_days') }}::double as threshold_value,
        {{ evidence(['paired_claim_id', 'account_code', 'purpose', 'amount']) }} as evidence
    from claims
    where days_since_paired_claim <= {{ rule_threshold('claims_007', 'maximum_days') }}
)

select * from final
