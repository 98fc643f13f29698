-- Grain: one row per claim for nearly the sum of an earlier one of the same employee and account.
with

-- of several, the latest
near_claims as (
    select
        claim_id,
        submitted_on,
        max_by(near_claim_id, row(near_claim_submitted_at, near_claim_id)) as near_claim_id,
        max_by(near_claim_difference, row(near_claim_submitted_at, near_claim_id))
            as near_claim_difference,
        min(days_since_near_claim) as days_since_near_claim
    from {{ ref('feat_claim_near') }}
    where
        near_claim_difference <= {{ rule_threshold('claims_004', 'maximum_difference') }}
        and days_since_near_claim <= {{ rule_threshold('claims_004', 'window_days') }}
    group by claim_id, submitted_on
),

claims as (
    select
        claims.claim_id,
        claims.transaction_id,
        claims.submitted_at,
        claims.account_code,
        claims.amount,
        claims.payment,
        near_claims.near_claim_id,
        near_claims.near_claim_difference,
        near_claims.days_since_near_claim
    from {{ ref('feat_claim') }} as claims
    inner join near_claims
        on
            claims.submitted_on = near_claims.submitted_on
            and claims.claim_id = near_claims.claim_id
),

final as (
    select
        'claims_004' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        near_claim_difference as observed_value,
        {{ rule_threshold('claims_004', 'maximum_difference') }}::double as threshold_value,
        {{ evidence([
            'near_claim_id', 'days_since_near_claim', 'amount', 'account_code', 'payment',
        ]) }} as evidence
    from claims
    where amount >= {{ rule_threshold('claims_004', 'minimum_amount') }}
)

select * from final
