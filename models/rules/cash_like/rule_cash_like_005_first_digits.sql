-- Grain: one row per employee and month, of whose amounts the first digits are unlike others'.
with

months as (
    select
        employee_id,
        month,
        transaction_date,
        transaction_id,
        employee_compared_count_12m,
        employee_first_digits_mad_12m,
        employee_first_digits_ratio_12m
    from {{ ref('feat_employee_month') }}
),

final as (
    select
        'cash_like_005' as rule_id,
        'employee' as subject_type,
        employee_id || ' ' || month as subject_id,
        transaction_id,
        transaction_date::timestamp as occurred_at,
        employee_first_digits_ratio_12m as observed_value,
        {{ rule_threshold('cash_like_005', 'minimum_ratio_to_chance') }}::double as threshold_value,
        {{ evidence([
            'employee_id', 'month', 'employee_compared_count_12m', 'employee_first_digits_mad_12m',
            'employee_first_digits_ratio_12m',
        ]) }} as evidence
    from months
    where
        employee_compared_count_12m >= {{ rule_threshold('cash_like_005', 'minimum_purchases') }}
        and employee_first_digits_ratio_12m
        > {{ rule_threshold('cash_like_005', 'minimum_ratio_to_chance') }}
)

select * from final
