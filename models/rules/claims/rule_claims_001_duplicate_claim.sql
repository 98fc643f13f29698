-- Grain: one row per claim that repeats an earlier one of the same employee. A claim for the same
-- purchase or receipt counts before one on the same account, however long ago it is.
with

claims as (
    select
        *,
        days_since_same_purchase_claim <= {{ rule_threshold('claims_001', 'window_days') }}
            as is_same_purchase
    from {{ ref('feat_claim') }}
),

repeated as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        amount,
        payment,
        case when is_same_purchase then same_purchase_claim_id else same_account_claim_id end
            as equal_claim_id,
        case
            when is_same_purchase then days_since_same_purchase_claim
            else days_since_same_account_claim
        end as days_since_equal_claim
    from claims
),

final as (
    select
        'claims_001' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        days_since_equal_claim as observed_value,
        {{ rule_threshold('claims_001', 'window_days') }}::double as threshold_value,
        {{ evidence(['equal_claim_id', 'amount', 'account_code', 'payment']) }} as evidence
    from repeated
    where days_since_equal_claim <= {{ rule_threshold('claims_001', 'window_days') }}
)

select * from final
