-- Grain: one row per claim approved within seconds.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        approver_id,
        approved_at,
        amount,
        {{ hours_between('submitted_at', 'approved_at') }} * 3600 as seconds_to_approval
    from {{ ref('feat_claim') }}
    where
        approved_at >= submitted_at
        -- midnight to the second is a day without a time
        and submitted_at <> date_trunc('day', submitted_at)
),

final as (
    select
        'claims_012' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('claims_012', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['approver_id', 'seconds_to_approval', 'amount']) }} as evidence
    from claims
    where
        seconds_to_approval < {{ rule_threshold('claims_012', 'minimum_seconds') }}
        and amount >= {{ rule_threshold('claims_012', 'minimum_amount') }}
)

select * from final
