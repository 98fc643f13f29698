-- Grain: one row per claim whose bill, divided by those who were there, is above the cap.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        attendees,
        coalesce(purchase_amount, amount) as bill,
        coalesce(purchase_amount, amount) / attendees as amount_per_head
    from {{ ref('feat_claim') }}
    where attendees > 0
),

final as (
    select
        'claims_003' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount_per_head::double as observed_value,
        {{ rule_threshold('claims_003', 'maximum_per_head') }}::double as threshold_value,
        {{ evidence(['bill', 'attendees', 'account_code']) }} as evidence
    from claims
    where amount_per_head > {{ rule_threshold('claims_003', 'maximum_per_head') }}
)

select * from final
