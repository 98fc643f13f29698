{{ config(materialized='table') }}
-- Grain: one row: the days that this run builds.
-- They start at the first day that anything landed since the last finished run can have changed,
-- or that nobody has built yet, or that was asked for; whatever depends on a day is built anew
-- from there on, so a run that broke off is completed by the next one.
with

run_state as (
    select
        completed_load_id,
        completed_until,
        requested_since,
        requested_until
    from {{ source('raw', 'run_state') }}
),

new_loads as (
    select min(load_manifest.first_day) as first_day
    from {{ source('raw', 'load_manifest') }} as load_manifest
    inner join run_state on load_manifest.load_id > run_state.completed_load_id
),

landed as (
    select
        min(authorized_at)::date as first_day,
        max(authorized_at)::date as last_day
    from {{ ref('stg_card_transactions') }}
),

final as (
    select
        greatest(
            landed.first_day,
            least(
                new_loads.first_day,
                coalesce(run_state.completed_until + 1, landed.first_day),
                run_state.requested_since
            )
        )::date as built_from,
        least(landed.last_day, run_state.requested_until)::date as built_until
    from run_state
    cross join new_loads
    cross join landed
)

select * from final
