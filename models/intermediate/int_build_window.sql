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

-- what was sent again with a later date has to leave the day it was on
transactions_before as (
    select min(transactions.authorized_at)::date as first_day
    from {{ ref('stg_card_transactions') }} as transactions
    inner join run_state on transactions.load_id <= run_state.completed_load_id
    where
        transactions.transaction_id in (
            select sent_again.transaction_id
            from {{ ref('stg_card_transactions') }} as sent_again
            where sent_again.load_id > (select completed_load_id from run_state)
        )
),

claims_before as (
    select min(claims.submitted_at)::date as first_day
    from {{ ref('stg_expense_claims') }} as claims
    inner join run_state on claims.load_id <= run_state.completed_load_id
    where
        claims.claim_id in (
            select sent_again.claim_id
            from {{ ref('stg_expense_claims') }} as sent_again
            where sent_again.load_id > (select completed_load_id from run_state)
        )
),

latest as (
    select max(load_id) as load_id from {{ source('raw', 'load_manifest') }}
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
                transactions_before.first_day,
                claims_before.first_day,
                coalesce(run_state.completed_until + 1, landed.first_day),
                run_state.requested_since
            )
        )::date as built_from,
        least(landed.last_day, run_state.requested_until)::date as built_until,
        latest.load_id as latest_load_id
    from run_state
    cross join new_loads
    cross join transactions_before
    cross join claims_before
    cross join landed
    cross join latest
)

select * from final
