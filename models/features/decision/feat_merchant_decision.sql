{{ config(unique_key='decided_on', incremental_strategy='changed_days') }}
-- Grain: one row per decision that says something about the merchant: every purchase found
-- innocent, and misuse with an amount that is ordinary for the card. Misuse with an unusual amount
-- says something about the card.
with

decisions as (
    select * from {{ ref('label_decisions') }}
    where {{ in_changed_days('decided_on') }}
),

final as (
    select
        decisions.transaction_id,
        transactions.merchant_id,
        decisions.decided_on,
        decisions.available_at,
        transactions.authorized_at as purchased_at,
        decisions.misuse
    from decisions
    inner join {{ ref('int_transactions') }} as transactions
        on
            decisions.transaction_id = transactions.transaction_id
            and decisions.available_at > transactions.authorized_at
            -- a decision on what is a year past says nothing about today
            and decisions.decided_on - 365 <= transactions.transaction_date
    inner join {{ ref('feat_card_history') }} as card_history
        on
            transactions.transaction_date = card_history.transaction_date
            and transactions.card_id = card_history.card_id
    where
        {{ in_changed_days('transactions.transaction_date', lookback=365) }}
        and transactions.is_purchase
        and (
            not decisions.misuse
            -- without a baseline no amount is known to be unusual
            or not coalesce(
                {{ deviation_from_baseline('transactions.amount') }}
                > {{ var('unusual_amount_deviation') }},
                false
            )
        )
    order by decisions.available_at, decisions.transaction_id
)

select * from final
