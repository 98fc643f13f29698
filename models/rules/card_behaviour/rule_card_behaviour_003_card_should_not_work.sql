-- Grain: one row per purchase with a card that should not work, or whose holder is not employed.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        amount,
        card_status,
        card_days_since_expired,
        employee_id,
        employee_days_since_left
    from {{ ref('feat_transaction') }}
    where is_purchase
),

joined as (
    select
        transactions.*,
        holders.employee_is_not_in_register
    from transactions
    left outer join {{ ref('feat_transaction_holder') }} as holders
        on
            transactions.transaction_date = holders.transaction_date
            and transactions.transaction_id = holders.transaction_id
),

final as (
    select
        'card_behaviour_003' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('card_behaviour_003', 'minimum_amount') }}::double as threshold_value,
        {{ evidence([
            'card_status', 'card_days_since_expired', 'employee_id', 'employee_days_since_left',
            'employee_is_not_in_register', 'amount',
        ]) }} as evidence
    from joined
    where
        amount > {{ rule_threshold('card_behaviour_003', 'minimum_amount') }}
        and (
            lower(card_status) <> 'active'
            or card_days_since_expired
            > {{ rule_threshold('card_behaviour_003', 'maximum_days') }}
            or employee_days_since_left
            > {{ rule_threshold('card_behaviour_003', 'maximum_days') }}
            or employee_is_not_in_register = 1
        )
)

select * from final
