{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim and earlier claim of the same employee, at most 90 days before,
-- whose receipt numbers are next to each other, as from one pad. All of them are kept: which one
-- counts depends on two thresholds, so the rule chooses.
with

earlier_claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        purchase_merchant_id,
        coalesce(purchased_on, submitted_on) as spent_on,
        regexp_replace(receipt_no, '[0-9]{1,18}$', '') as receipt_series,
        try_cast(regexp_extract(receipt_no, '[0-9]{1,18}$') as bigint) as receipt_number
    from {{ ref('int_claims') }}
    where
        {{ in_build_window('submitted_on', lookback=90) }}
        and receipt_no is not null
),

steps as (
    select
        unnest(range(1, {{ rule_reach('claims_006', 'maximum_steps', 'to') }}::bigint + 1)) as step
),

claims as (
    select
        earlier_claims.*,
        steps.step,
        unnest([
            earlier_claims.receipt_number - steps.step, earlier_claims.receipt_number + steps.step
        ]) as neighbour_number
    from earlier_claims
    cross join steps
    where {{ in_build_window('earlier_claims.submitted_on') }}
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        earlier_claims.claim_id as consecutive_claim_id,
        claims.step::double as receipt_steps_apart,
        abs(claims.spent_on - earlier_claims.spent_on)::double as receipt_days_apart
    from claims
    inner join earlier_claims
        on
            claims.employee_id = earlier_claims.employee_id
            and claims.receipt_series = earlier_claims.receipt_series
            and claims.neighbour_number = earlier_claims.receipt_number
            and claims.submitted_on - 90 <= earlier_claims.submitted_on
            and coalesce(claims.purchase_merchant_id = earlier_claims.purchase_merchant_id, true)
            and row(claims.submitted_at, claims.claim_id)
            > row(earlier_claims.submitted_at, earlier_claims.claim_id)
)

select * from final
