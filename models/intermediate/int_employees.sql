{{ config(materialized='view') }}
-- Grain: one row per employee and moment from which a row of the employees feed holds: the employee
-- as they were from then until the next row begins. Every value that a row leaves out is carried
-- forward from the last one that gave it, but for the day of leaving: an empty day is how "has not
-- left" is said. Of several rows for one moment the last one holds.
with

known as (
    select
        employee_id,
        valid_from,
        lead(valid_from, 1, timestamp '9999-12-31') over until_then as next_valid_from,
        {{ last_known('department_id', 'until_then') }} as department_id,
        {{ last_known('grade', 'until_then') }} as grade,
        {{ last_known('manager_id', 'until_then') }} as manager_id,
        {{ last_known('hired_on', 'until_then') }} as hired_on,
        left_on,
        {{ last_known('home_latitude', 'until_then') }} as home_latitude,
        {{ last_known('home_longitude', 'until_then') }} as home_longitude
    from {{ ref('stg_employees') }}
    window until_then as (
        partition by employee_id order by valid_from asc, load_id asc, load_line asc
        rows between unbounded preceding and current row
    )
),

final as (
    select * from known
    where valid_from < next_valid_from
)

select * from final
