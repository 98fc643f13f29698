-- Grain: one row per purchase of an amount that matters by a holder who is new to company cards.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        amount
    from {{ ref('feat_transaction') }}
    where is_purchase
),

joined as (
    select
        transactions.*,
        holders.employee_days_with_card
    from transactions
    inner join {{ ref('feat_transaction_holder') }} as holders
        on
            transactions.transaction_date = holders.transaction_date
            and transactions.transaction_id = holders.transaction_id
),

final as (
    select
        'card_behaviour_010' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_days_with_card as observed_value,
        {{ rule_threshold('card_behaviour_010', 'maximum_days') }}::double as threshold_value,
        {{ evidence(['employee_days_with_card', 'amount']) }} as evidence
    from joined
    where
        employee_days_with_card <= {{ rule_threshold('card_behaviour_010', 'maximum_days') }}
        and amount >= {{ rule_threshold('card_behaviour_010', 'minimum_amount') }}
)

select * from final
