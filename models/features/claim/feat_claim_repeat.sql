{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim that repeats an earlier one of the same employee for the same
-- sum: the same purchase or receipt handed in again, or, for a claim of the card that names no
-- purchase, one on the same account. Of two claims of one moment the one with the larger identifier
-- is later.
with

earlier_claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        transaction_id,
        receipt_no,
        account_code,
        payment,
        amount_exact
    from {{ ref('int_claims') }}
    where {{ in_build_window(
            'submitted_on', lookback=rule_reach('claims_001', 'window_days', 'to') ~ '::integer'
        ) }}
),

claims as (
    select
        *,
        submitted_on
        - {{ rule_reach('claims_001', 'window_days', 'to') }}::integer as searched_from
    from earlier_claims
    where {{ in_build_window('submitted_on') }}
),

repeated as (
    select
        claims.claim_id,
        claims.submitted_on,
        earlier_claims.claim_id as earlier_claim_id,
        earlier_claims.submitted_at as earlier_submitted_at,
        earlier_claims.transaction_id as earlier_transaction_id,
        coalesce(
            claims.transaction_id = earlier_claims.transaction_id
            or claims.receipt_no = earlier_claims.receipt_no,
            false
        ) as is_same_purchase
    from claims
    inner join earlier_claims
        on
            claims.employee_id = earlier_claims.employee_id
            and claims.amount_exact = earlier_claims.amount_exact
            and claims.searched_from <= earlier_claims.submitted_on
            and row(claims.submitted_at, claims.claim_id)
            > row(earlier_claims.submitted_at, earlier_claims.claim_id)
            and (
                claims.transaction_id = earlier_claims.transaction_id
                or claims.receipt_no = earlier_claims.receipt_no
                or (
                    claims.payment = 'card'
                    and claims.transaction_id is null
                    and claims.account_code = earlier_claims.account_code
                )
            )
),

ranked as (
    select
        *,
        (submitted_on - earlier_submitted_at::date)::double as days_since,
        row_number() over (
            partition by claim_id, is_same_purchase
            order by earlier_submitted_at desc, earlier_claim_id desc
        ) as recency
    from repeated
),

final as (
    select
        claim_id,
        submitted_on,
        max(earlier_claim_id) filter (where is_same_purchase) as same_purchase_claim_id,
        max(days_since) filter (where is_same_purchase) as days_since_same_purchase_claim,
        max(earlier_transaction_id) filter (where is_same_purchase) as same_purchase_transaction_id,
        max(earlier_claim_id) filter (where not is_same_purchase) as same_account_claim_id,
        max(days_since) filter (where not is_same_purchase) as days_since_same_account_claim,
        max(earlier_transaction_id) filter (where not is_same_purchase)
            as same_account_transaction_id
    from ranked
    where recency = 1
    group by claim_id, submitted_on
)

select * from final
