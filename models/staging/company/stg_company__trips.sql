-- Grain: one row per landed trip.
with

landed as (
    select * from {{ source('company', 'trips') }}
),

final as (
    select
        employee_id,
        starts_at,
        ends_at,
        city,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
