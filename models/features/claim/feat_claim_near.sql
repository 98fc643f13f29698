{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim and earlier claim of the same employee on the same account for
-- nearly the same sum, where not both name a purchase of their own. All of them are kept: which one
-- counts depends on two thresholds, so the rule chooses.
with

earlier_claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        transaction_id,
        account_code,
        amount_exact
    from {{ ref('int_claims') }}
    where {{ in_build_window(
            'submitted_on', lookback=rule_reach('claims_004', 'window_days', 'to') ~ '::integer'
        ) }}
),

claims as (
    select
        *,
        submitted_on
        - {{ rule_reach('claims_004', 'window_days', 'to') }}::integer as searched_from,
        {{ rule_reach('claims_004', 'maximum_difference', 'to') }} as largest_difference
    from earlier_claims
    where {{ in_build_window('submitted_on') }}
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        earlier_claims.claim_id as near_claim_id,
        earlier_claims.submitted_at as near_claim_submitted_at,
        (claims.submitted_on - earlier_claims.submitted_on)::double as days_since_near_claim,
        abs(claims.amount_exact - earlier_claims.amount_exact)::double
        / greatest(claims.amount_exact, earlier_claims.amount_exact)::double
            as near_claim_difference
    from claims
    inner join earlier_claims
        on
            claims.employee_id = earlier_claims.employee_id
            and claims.account_code = earlier_claims.account_code
            and claims.searched_from <= earlier_claims.submitted_on
            and row(claims.submitted_at, claims.claim_id)
            > row(earlier_claims.submitted_at, earlier_claims.claim_id)
            and coalesce(claims.transaction_id = earlier_claims.transaction_id, true)
            and claims.amount_exact <> earlier_claims.amount_exact
            and abs(claims.amount_exact - earlier_claims.amount_exact)
            <= claims.largest_difference
            * greatest(claims.amount_exact, earlier_claims.amount_exact)
)

select * from final
