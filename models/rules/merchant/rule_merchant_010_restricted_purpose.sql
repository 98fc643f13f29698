-- Grain: one row per claim whose purpose holds a word that is closed to company cards.
with

claims as (
    select
        claims.claim_id,
        claims.transaction_id,
        claims.submitted_at,
        claims.amount,
        claims.purpose,
        keywords.purpose_keyword
    from {{ ref('feat_claim') }} as claims
    inner join {{ ref('feat_claim_keyword') }} as keywords
        on
            claims.submitted_on = keywords.submitted_on
            and claims.claim_id = keywords.claim_id
),

final as (
    select
        'merchant_010' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('merchant_010', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['purpose', 'purpose_keyword', 'amount']) }} as evidence
    from claims
    where amount > {{ rule_threshold('merchant_010', 'minimum_amount') }}
)

select * from final
