-- Grain: one row per landed employee and start of validity.
with

landed as (
    select * from {{ source('company', 'employees') }}
),

final as (
    select
        employee_id,
        department_id,
        valid_from,
        valid_to,
        grade,
        manager_id,
        hired_on,
        left_on,
        home_latitude,
        home_longitude,
        site,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
