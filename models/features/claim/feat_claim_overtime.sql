{{ config(unique_key='submitted_on') }}
-- Grain: one row per claim for a card purchase of a meal or a ride that is said to be overtime:
-- when it was paid. Purchases longer ago than a year are not looked for.
with

claims as (
    select
        claim_id,
        submitted_on,
        submitted_at,
        transaction_id
    from {{ ref('feat_claim') }}
    where
        {{ in_build_window('submitted_on') }}
        and payment = 'card'
        and (
            contains(purpose, '야근')
            or contains(purpose, '심야')
            or contains(lower(purpose), 'overtime')
        )
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        transactions.category as purchase_category,
        transactions.authorized_at as purchased_at,
        extract('hour' from transactions.authorized_at)::double as purchase_hour_of_day,
        (transactions.is_weekend or coalesce(transactions.is_holiday, false))::integer::double
            as purchase_is_day_off
    from claims
    inner join {{ ref('int_transactions') }} as transactions
        on
            claims.transaction_id = transactions.transaction_id
            and claims.submitted_at >= transactions.authorized_at
            and claims.submitted_on - 365 <= transactions.transaction_date
    where
        {{ in_build_window('transactions.transaction_date', lookback=365) }}
        and transactions.is_purchase
        and transactions.has_time
        and transactions.is_overtime
)

select * from final
