{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim for a bill that somebody else seems to have paid or claimed too:
-- the same sum at the same merchant with another employee's card within a day, or the same receipt
-- in another employee's claim at most 90 days before.
with

earlier_claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        receipt_no,
        amount_exact,
        purchase_employee_id,
        purchase_merchant_id,
        purchased_on,
        purchased_at,
        purchase_has_time,
        purchase_is_online,
        purchase_amount_exact
    from {{ ref('int_claims') }}
    where {{ in_build_window('submitted_on', lookback=90) }}
),

claims as (
    select
        *,
        {{ rule_reach('claims_005', 'minimum_hours', 'to', fixed=24) }} * interval 1 hour
            as searched_for
    from earlier_claims
    where {{ in_build_window('submitted_on') }}
),

shared_receipts as (
    select
        claims.claim_id,
        max_by(
            earlier_claims.claim_id, row(earlier_claims.submitted_at, earlier_claims.claim_id)
        ) as twin_claim_id
    from claims
    inner join earlier_claims
        on
            claims.receipt_no = earlier_claims.receipt_no
            and claims.amount_exact = earlier_claims.amount_exact
            and claims.employee_id <> earlier_claims.employee_id
            and claims.submitted_on - 90 <= earlier_claims.submitted_on
            -- small shops number their receipts alike
            and coalesce(claims.purchase_merchant_id = earlier_claims.purchase_merchant_id, true)
            and row(claims.submitted_at, claims.claim_id)
            > row(earlier_claims.submitted_at, earlier_claims.claim_id)
    group by claims.claim_id
),

days_apart as (
    select -1 as days
    union all
    select 0 as days
    union all
    select 1 as days
),

-- online one price holds for everybody
paid_twice as (
    select
        claims.claim_id,
        others.transaction_id,
        abs({{ hours_between('others.authorized_at', 'claims.purchased_at') }}) as hours_apart,
        claims.purchase_has_time and others.has_time as has_time
    from claims
    cross join days_apart
    inner join {{ ref('int_transactions') }} as others
        on
            claims.purchase_merchant_id = others.merchant_id
            and claims.purchase_amount_exact = others.amount_exact
            and claims.purchased_on + days_apart.days = others.transaction_date
            and claims.purchase_employee_id <> others.employee_id
            and others.authorized_at <= claims.purchased_at + claims.searched_for
            and others.authorized_at >= claims.purchased_at - claims.searched_for
            -- what the claim's day did not know yet
            and claims.submitted_at > others.authorized_at
    where
        {{ in_build_window('others.transaction_date', lookback=366) }}
        and others.is_purchase
        and coalesce(others.entry_mode, 'unknown') <> 'online'
        and not claims.purchase_is_online
),

shared_payments as (
    select
        claim_id,
        min_by(transaction_id, row(hours_apart, transaction_id)) as twin_transaction_id,
        min(hours_apart) filter (where has_time) as twin_hours_apart
    from paid_twice
    group by claim_id
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        shared_payments.twin_transaction_id,
        shared_payments.twin_hours_apart,
        shared_receipts.twin_claim_id
    from claims
    left outer join shared_payments on claims.claim_id = shared_payments.claim_id
    left outer join shared_receipts on claims.claim_id = shared_receipts.claim_id
    where coalesce(shared_payments.twin_transaction_id, shared_receipts.twin_claim_id) is not null
)

select * from final
