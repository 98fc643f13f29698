-- Grain: one row per claim of entertainment above the legal cap for each who was there. Where
-- nobody is named, the whole bill is for one.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        purpose,
        attendees,
        coalesce(purchase_amount, amount) as bill,
        coalesce(purchase_amount, amount) / greatest(coalesce(attendees, 1), 1) as amount_per_head
    from {{ ref('feat_claim') }}
    where
        is_entertainment
        -- a wreath has no guests
        and not coalesce(is_gift, false)
        and is_without_attendees is not null
),

final as (
    select
        'claims_013' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount_per_head::double as observed_value,
        {{ rule_threshold('claims_013', 'maximum_per_head') }}::double as threshold_value,
        {{ evidence(['bill', 'attendees', 'account_code', 'purpose']) }} as evidence
    from claims
    where amount_per_head > {{ rule_threshold('claims_013', 'maximum_per_head') }}
)

select * from final
