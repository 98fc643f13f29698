-- Grain: one row per employee and month whose amounts of twelve months end in 0 or 5 too often.
with

months as (
    select
        employee_id,
        month,
        transaction_date,
        transaction_id,
        employee_ending_count_12m,
        employee_invented_ending_share_12m,
        employee_invented_ending_expected_12m,
        employee_invented_ending_deviation_12m
    from {{ ref('feat_employee_month') }}
),

final as (
    select
        'cash_like_007' as rule_id,
        'employee' as subject_type,
        employee_id || ' ' || month as subject_id,
        transaction_id,
        transaction_date::timestamp as occurred_at,
        employee_invented_ending_deviation_12m as observed_value,
        {{ rule_threshold('cash_like_007', 'minimum_deviation') }}::double as threshold_value,
        {{ evidence([
            'employee_id', 'month', 'employee_ending_count_12m',
            'employee_invented_ending_share_12m', 'employee_invented_ending_expected_12m',
        ]) }} as evidence
    from months
    where
        employee_ending_count_12m >= {{ rule_threshold('cash_like_007', 'minimum_purchases') }}
        and employee_invented_ending_deviation_12m
        > {{ rule_threshold('cash_like_007', 'minimum_deviation') }}
)

select * from final
