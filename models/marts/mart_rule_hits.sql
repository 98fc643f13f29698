-- Grain: one row per rule version and subject that it hit, with the person whom the hit is about.
with

hits as (
    select * from {{ source('ledger', 'rule_hits') }}
),

transactions as (
    select
        transaction_id,
        employee_id
    from {{ ref('int_transactions') }}
),

claims as (
    select
        claim_id,
        employee_id
    from {{ ref('int_claims') }}
),

final as (
    select
        hits.issue_id,
        hits.rule_id,
        hits.rule_version,
        hits.subject_type,
        hits.subject_id,
        hits.transaction_id,
        hits.occurred_at,
        hits.observed_value,
        hits.threshold_value,
        hits.evidence,
        hits.exception_id,
        hits.is_suppressed,
        coalesce(transactions.employee_id, claims.employee_id) as employee_id
    from hits
    left outer join transactions on hits.transaction_id = transactions.transaction_id
    -- one equality: a condition on the left side alone beside it would compare each with each
    left outer join claims
        on case when hits.subject_type = 'claim' then hits.subject_id end = claims.claim_id
)

select * from final
