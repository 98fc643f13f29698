{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim approved by somebody whose own claim the claimant approved, at
-- most 90 days before: the latest.
with

earlier_claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        approver_id
    from {{ ref('int_claims') }}
    where
        {{ in_build_window('submitted_on', lookback=90) }}
        and approver_id <> employee_id
),

claims as (
    select * from earlier_claims
    where {{ in_build_window('submitted_on') }}
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        max_by(
            earlier_claims.claim_id, row(earlier_claims.submitted_at, earlier_claims.claim_id)
        ) as returned_claim_id
    from claims
    inner join earlier_claims
        on
            claims.approver_id = earlier_claims.employee_id
            and claims.employee_id = earlier_claims.approver_id
            and claims.submitted_on - 90 <= earlier_claims.submitted_on
            and row(claims.submitted_at, claims.claim_id)
            > row(earlier_claims.submitted_at, earlier_claims.claim_id)
    group by claims.claim_id, claims.submitted_on
)

select * from final
