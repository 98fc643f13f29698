-- Grain: one row per landed absence.
with

landed as (
    select * from {{ source('company', 'absences') }}
),

final as (
    select
        employee_id,
        starts_at,
        ends_at,
        kind,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
