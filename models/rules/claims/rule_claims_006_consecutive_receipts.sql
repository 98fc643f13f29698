-- Grain: one row per claim whose receipt follows that of another day in one pad.
with

-- of several, the nearest number, then the one whose money was spent longest before or after
neighbours as (
    select
        claim_id,
        submitted_on,
        min_by(
            consecutive_claim_id,
            row(receipt_steps_apart, -receipt_days_apart, consecutive_claim_id)
        ) as consecutive_claim_id,
        min(receipt_steps_apart) as receipt_steps_apart,
        min_by(
            receipt_days_apart,
            row(receipt_steps_apart, -receipt_days_apart, consecutive_claim_id)
        ) as receipt_days_apart
    from {{ ref('feat_claim_receipt') }}
    where
        receipt_steps_apart <= {{ rule_threshold('claims_006', 'maximum_steps') }}
        and receipt_days_apart >= {{ rule_threshold('claims_006', 'minimum_days') }}
    group by claim_id, submitted_on
),

claims as (
    select
        claims.claim_id,
        claims.transaction_id,
        claims.submitted_at,
        claims.amount,
        claims.receipt_no,
        neighbours.consecutive_claim_id,
        neighbours.receipt_steps_apart,
        neighbours.receipt_days_apart
    from {{ ref('feat_claim') }} as claims
    inner join neighbours
        on
            claims.submitted_on = neighbours.submitted_on
            and claims.claim_id = neighbours.claim_id
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
)

select * from final
