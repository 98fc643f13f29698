-- Grain: one row per claim that was handed in long after the purchase that it names.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        amount,
        days_since_purchase
    from {{ ref('feat_claim') }}
),

final as (
    select
        'claims_009' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        days_since_purchase as observed_value,
        {{ rule_threshold('claims_009', 'maximum_days') }}::double as threshold_value,
        {{ evidence(['days_since_purchase', 'amount']) }} as evidence
    from claims
    where days_since_purchase > {{ rule_threshold('claims_009', 'maximum_days') }}
)

select * from final
