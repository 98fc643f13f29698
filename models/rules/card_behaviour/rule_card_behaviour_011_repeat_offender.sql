-- Grain: one row per purchase of a holder whose earlier purchases were found to be misuse.
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
        holders.employee_misuse_count_365d,
        holders.employee_days_since_misuse
    from transactions
    inner join {{ ref('feat_transaction_holder') }} as holders
        on
            transactions.transaction_date = holders.transaction_date
            and transactions.transaction_id = holders.transaction_id
),

final as (
    select
        'card_behaviour_011' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_misuse_count_365d as observed_value,
        {{ rule_threshold('card_behaviour_011', 'minimum_confirmed') }}::double as threshold_value,
        {{ evidence(['employee_misuse_count_365d', 'employee_days_since_misuse', 'amount']) }}
            as evidence
    from joined
    where
        employee_misuse_count_365d
        >= {{ rule_threshold('card_behaviour_011', 'minimum_confirmed') }}
        and employee_days_since_misuse
        <= {{ rule_threshold('card_behaviour_011', 'window_days') }}
        and amount >= {{ rule_threshold('card_behaviour_011', 'minimum_amount') }}
)

select * from final
