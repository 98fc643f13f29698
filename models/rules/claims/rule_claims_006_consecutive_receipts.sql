-- Grain: one row per claim whose receipt follows that of another day in one pad.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        amount,
        receipt_no,
        consecutive_claim_id,
        receipt_steps_apart,
        receipt_days_apart
    from {{ ref('int_claims') }}
),

final as (
    select
        'claims_006' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        receipt_days_apart as observed_value,
        {{ rule_threshold('claims_006', 'minimum_days') }}::double as threshold_value,
        {{ evidence(['receipt_no', 'consecutive_claim_id', 'receipt_steps_apart', 'amount']) }}
            as evidence
    from claims
    where
        receipt_steps_apart <= {{ rule_threshold('claims_006', 'maximum_steps') }}
        and receipt_days_apart >= {{ rule_threshold('claims_006', 'minimum_days') }}
)

select * from final
