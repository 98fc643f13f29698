-- Grain: one row per claim approved by the claimant, or by somebody whose claim the claimant
-- approved.
with

claims as (
    select
        claim_id,
        transaction_id,
        employee_id,
        submitted_at,
        amount,
        approver_id,
        returned_claim_id
    from {{ ref('feat_claim') }}
),

final as (
    select
        'claims_011' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('claims_011', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['employee_id', 'approver_id', 'returned_claim_id', 'amount']) }} as evidence
    from claims
    where
        (employee_id = approver_id or returned_claim_id is not null)
        and amount > {{ rule_threshold('claims_011', 'minimum_amount') }}
)

select * from final
