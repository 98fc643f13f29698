-- Grain: one row per claim that repeats an earlier one of the same employee.
with

claims as (
    select
        claim_id,
        transaction_id,
        employee_id,
        submitted_at,
        account_code,
        amount,
        payment,
        days_since_equal_claim,
        equal_claim_id
    from {{ ref('int_claims') }}
),

final as (
    select
        'claims_001' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        days_since_equal_claim as observed_value,
        {{ rule_threshold('claims_001', 'window_days') }}::double as threshold_value,
        {{ evidence(['equal_claim_id', 'amount', 'account_code', 'payment']) }} as evidence
    from claims
    where days_since_equal_claim <= {{ rule_threshold('claims_001', 'window_days') }}
)

select * from final
