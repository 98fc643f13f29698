{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim for an allowance for meals, or for driving, beside an earlier
-- claim of the same employee for a meal, or for fuel, and the reverse: the nearest. Claims in cash
-- carry no day of the expense: the day of submission stands for it.
with

earlier_claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        is_per_diem,
        is_meal,
        is_mileage,
        is_fuel
    from {{ ref('int_claims') }}
    where
        {{ in_build_window(
            'submitted_on', lookback=rule_reach('claims_007', 'maximum_days', 'to') ~ '::integer'
        ) }}
        and (is_per_diem or is_meal or is_mileage or is_fuel)
),

claims as (
    select
        *,
        submitted_on
        - {{ rule_reach('claims_007', 'maximum_days', 'to') }}::integer as searched_from
    from earlier_claims
    where {{ in_build_window('submitted_on') }}
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        min_by(
            earlier_claims.claim_id,
            row(claims.submitted_on - earlier_claims.submitted_on, earlier_claims.claim_id)
        ) as paired_claim_id,
        min(claims.submitted_on - earlier_claims.submitted_on)::double as days_since_paired_claim
    from claims
    inner join earlier_claims
        on
            claims.employee_id = earlier_claims.employee_id
            and claims.searched_from <= earlier_claims.submitted_on
            and row(claims.submitted_at, claims.claim_id)
            > row(earlier_claims.submitted_at, earlier_claims.claim_id)
            and (
                (claims.is_per_diem and earlier_claims.is_meal)
                or (claims.is_meal and earlier_claims.is_per_diem)
                or (claims.is_mileage and earlier_claims.is_fuel)
                or (claims.is_fuel and earlier_claims.is_mileage)
            )
    group by claims.claim_id, claims.submitted_on
)

select * from final
