-- Grain: one row per employee and month among the company's first by spend and by purchases.
with

months as (
    select
        employee_id,
        month,
        transaction_date,
        transaction_id,
        employee_txn_count_month,
        employee_amount_sum_month,
        employee_txn_count_place,
        employee_amount_place
    from {{ ref('feat_employee_standing') }}
),

final as (
    select
        'card_behaviour_009' as rule_id,
        'employee' as subject_type,
        employee_id || ' ' || month as subject_id,
        transaction_id,
        transaction_date::timestamp as occurred_at,
        employee_amount_place as observed_value,
        {{ rule_threshold('card_behaviour_009', 'maximum_share') }}::double as threshold_value,
        {{ evidence([
            'employee_id', 'month', 'employee_amount_sum_month', 'employee_txn_count_month',
            'employee_amount_place', 'employee_txn_count_place',
        ]) }} as evidence
    from months
    where
        employee_amount_place <= {{ rule_threshold('card_behaviour_009', 'maximum_share') }}
        and employee_txn_count_place <= {{ rule_threshold('card_behaviour_009', 'maximum_share') }}
)

select * from final
