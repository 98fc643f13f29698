{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim as last submitted, with the earlier claim or card purchase that
-- it seems to repeat.
with

landed as (
    select
        *,
        submitted_at::date as submitted_on,
        amount::decimal(18, 2) as amount_exact,
        row_number() over (
            partition by claim_id
            order by load_id desc, load_line desc
        ) as recency
    from {{ ref('stg_expense_claims') }} as versions
    where
        {{ in_changed_days('submitted_at', lookback=90) }}
        {% if is_incremental() %}
            -- sent again since for an earlier day, it is there and stays there
            and not exists (
                select 1 from {{ ref('stg_expense_claims') }} as sent_again
                where
                    versions.claim_id = sent_again.claim_id
                    and sent_again.submitted_at
                    < (select changed_from - 90 from {{ ref('int_build_window') }})
                    and row(sent_again.load_id, sent_again.load_line)
                    > row(versions.load_id, versions.load_line)
            )
        {% endif %}
),

claims as (
    select * from landed
    where recency = 1
),

-- the same purchase, or the same receipt, handed in again by the same person within 90 days; of two
-- claims of one moment, the one with the larger identifier repeats the other
repeated as (
    select
        claims.claim_id,
        max_by(earlier.claim_id, row(earlier.submitted_at, earlier.claim_id)) as equal_claim_id,
        max(earlier.submitted_at) as equal_claim_submitted_at
    from claims
    inner join claims as earlier
        on
            claims.employee_id = earlier.employee_id
            and claims.amount_exact = earlier.amount_exact
            and claims.submitted_on - 90 <= earlier.submitted_on
            and (
                claims.submitted_at > earlier.submitted_at
                or (
                    claims.submitted_at = earlier.submitted_at
                    and claims.claim_id > earlier.claim_id
                )
            )
            and (
                claims.transaction_id = earlier.transaction_id
                or claims.receipt_no = earlier.receipt_no
            )
    group by claims.claim_id
),

-- paid by card and asked back in cash: same person, same sum, at most 30 days before the claim
paid_by_card as (
    select
        claims.claim_id,
        max_by(
            transactions.transaction_id,
            row(transactions.authorized_at, transactions.transaction_id)
        ) as card_transaction_id,
        max(transactions.authorized_at) as card_authorized_at
    from claims
    inner join {{ ref('int_transactions') }} as transactions
        on
            claims.employee_id = transactions.employee_id
            and claims.amount_exact = transactions.amount_exact
            and claims.submitted_at > transactions.authorized_at
            and claims.submitted_on - 30 <= transactions.transaction_date
    where
        claims.payment = 'cash'
        and transactions.is_purchase
    group by claims.claim_id
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        claims.submitted_at,
        claims.employee_id,
        coalesce(claims.transaction_id, paid_by_card.card_transaction_id) as transaction_id,
        claims.account_code,
        claims.purpose,
        claims.attendees,
        claims.receipt_no,
        claims.approver_id,
        claims.approved_at,
        claims.payment,
        claims.amount,
        repeated.equal_claim_id,
        (claims.submitted_on - repeated.equal_claim_submitted_at::date)::double
            as days_since_equal_claim,
        paid_by_card.card_transaction_id,
        (claims.submitted_on - paid_by_card.card_authorized_at::date)::double
            as days_since_equal_card_purchase
    from claims
    left outer join repeated on claims.claim_id = repeated.claim_id
    left outer join paid_by_card on claims.claim_id = paid_by_card.claim_id
    where {{ in_changed_days('claims.submitted_on') }}
    order by claims.submitted_at, claims.claim_id
)

select * from final
