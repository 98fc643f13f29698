-- Grain: one row per employee and start of validity.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__employees') }}
),

final as (
    select
        employee_id::varchar as employee_id,
        department_id::varchar as department_id,
        valid_from::timestamp as valid_from,
        valid_to::timestamp as valid_to,
        grade::varchar as grade,
        manager_id::varchar as manager_id,
        hired_on::date as hired_on,
        left_on::date as left_on,
        home_latitude::double as home_latitude,
        home_longitude::double as home_longitude,
        site::varchar as site,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
