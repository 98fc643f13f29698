-- Grain: one row per claim of entertainment that was not paid with a company card.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        purpose,
        payment,
        amount,
        names_purchase
    from {{ ref('feat_claim') }}
    where
        is_entertainment
        -- condolence money is given in cash
        and not coalesce(is_condolence, false)
),

final as (
    select
        'claims_014' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('claims_014', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['payment', 'account_code', 'purpose', 'amount']) }} as evidence
    from claims
    where
        -- a card that no purchase of a company card stands behind is a private one
        (payment = 'cash' or (payment = 'card' and not names_purchase))
        and amount >= {{ rule_threshold('claims_014', 'minimum_amount') }}
)

select * from final
