-- Grain: one row per claim for a bill that somebody else has paid or claimed too.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        amount,
        receipt_no,
        purchase_category,
        purchase_policy,
        twin_transaction_id,
        twin_hours_apart,
        twin_claim_id
    from {{ ref('feat_claim') }}
),

final as (
    select
        'claims_005' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('claims_005', 'minimum_amount') }}::double as threshold_value,
        {{ evidence([
            'twin_transaction_id', 'twin_hours_apart', 'twin_claim_id', 'amount', 'receipt_no',
            'purchase_category',
        ]) }} as evidence
    from claims
    where
        amount >= {{ rule_threshold('claims_005', 'minimum_amount') }}
        and (
            twin_claim_id is not null
            or (
                twin_transaction_id is not null
                -- a tank and a voucher are bought for round sums
                and coalesce(purchase_category, 'unknown') <> 'fuel'
                and coalesce(purchase_policy, 'none') <> 'cash_like'
                -- those who each pay for the same menu stand at the till together
                and coalesce(
                    twin_hours_apart >= {{ rule_threshold('claims_005', 'minimum_hours') }}, true
                )
            )
        )
)

select * from final
