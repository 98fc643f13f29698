-- Grain: one row per purchase after the holder's last working day.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        is_debited,
        card_status,
        employee_days_since_left
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'time_place_005' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_days_since_left as observed_value,
        {{ rule_threshold('time_place_005', 'maximum_days') }}::double as threshold_value,
        {{ evidence(['amount', 'category', 'card_status', 'employee_days_since_left']) }}
            as evidence
    from transactions
    where
        employee_days_since_left > {{ rule_threshold('time_place_005', 'maximum_days') }}
        -- subscriptions and bills are debited until somebody ends them
        and is_debited is not true
)

select * from final
