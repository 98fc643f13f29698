-- Grain: one row per claim without a receipt, or for another sum than the purchase that it names.
with

claims as (
    select
        claim_id,
        transaction_id,
        submitted_at,
        account_code,
        purpose,
        amount,
        purchase_amount,
        receipt_no,
        is_without_receipt,
        is_condolence
    from {{ ref('feat_claim') }}
),

final as (
    select
        'claims_008' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('claims_008', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['receipt_no', 'amount', 'purchase_amount', 'account_code', 'purpose']) }}
            as evidence
    from claims
    where
        amount > {{ rule_threshold('claims_008', 'minimum_amount') }}
        and (
            -- condolence money comes without a receipt
            (is_without_receipt and not coalesce(is_condolence, false))
            or abs(amount - purchase_amount)
            > {{ rule_threshold('claims_008', 'maximum_difference') }}
        )
)

select * from final
