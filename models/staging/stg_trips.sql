-- Grain: one row per trip.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__trips') }}
),

final as (
    select
        employee_id::varchar as employee_id,
        starts_at::timestamp as starts_at,
        ends_at::timestamp as ends_at,
        city::varchar as city,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
