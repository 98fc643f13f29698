-- Grain: one row per claim for nearly the sum of an earlier one of the same employee and account.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        amount,
        payment,
        near_claim_id,
        near_claim_difference,
        days_since_near_claim
    from {{ ref('int_claims') }}
),

final as (
    select
        'claims_004' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        near_claim_difference as observed_value,
        {{ rule_threshold('claims_004', 'maximum_difference') }}::double as threshold_value,
        {{ evidence([
            'near_claim_id', 'days_since_near_claim', 'amount', 'account_code', 'payment',
        ]) }} as evidence
    from claims
    where
        near_claim_difference <= {{ rule_threshold('claims_004', 'maximum_difference') }}
        and days_since_near_claim <= {{ rule_threshold('claims_004', 'window_days') }}
        and amount >= {{ rule_threshold('claims_004', 'minimum_amount') }}
)

select * from final
