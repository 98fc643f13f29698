{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim in cash for a sum that the same employee paid by card before:
-- the latest of these purchases.
with

claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        employee_id,
        amount_exact,
        submitted_on
        - {{ rule_reach('claims_002', 'window_days', 'to') }}::integer as searched_from
    from {{ ref('int_claims') }}
    where
        {{ in_build_window('submitted_on') }}
        and payment = 'cash'
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        max_by(
            transactions.transaction_id,
            row(transactions.authorized_at, transactions.transaction_id)
        ) as card_transaction_id,
        (claims.submitted_on - max(transactions.authorized_at)::date)::double
            as days_since_equal_card_purchase
    from claims
    inner join {{ ref('int_transactions') }} as transactions
        on
            claims.employee_id = transactions.employee_id
            and claims.amount_exact = transactions.amount_exact
            and claims.submitted_at > transactions.authorized_at
            and claims.searched_from <= transactions.transaction_date
    where
        {{ in_build_window(
            'transactions.transaction_date', lookback=rule_reach('claims_002', 'window_days', 'to') ~ '::integer'
        ) }}
        and transactions.is_purchase
    group by claims.claim_id, claims.submitted_on
)

select * from final
