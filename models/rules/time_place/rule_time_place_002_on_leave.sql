-- Grain: one row per purchase made while the cardholder was on leave.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        is_debited,
        absence_kind,
        is_on_leave
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'time_place_002' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('time_place_002', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['absence_kind', 'category', 'amount']) }} as evidence
    from transactions
    where
        is_on_leave = 1
        and amount > {{ rule_threshold('time_place_002', 'minimum_amount') }}
        -- subscriptions and bills are debited whether the holder is there or not
        and is_debited is not true
)

select * from final
