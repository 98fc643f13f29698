-- Grain: one row: the days that this run builds.
-- Facts and daily state are built anew from the first day that anything landed since the last
-- finished run can have changed, or that nobody has built yet, or that was asked for: changed_from.
-- What is computed about a transaction follows them as far back as late_lookback_days; further back
-- it stays what it was at the time until somebody asks for those days: built_from. Later days
-- always follow, so a run that broke off is completed by the next one.
with

run_state as (
    select
        completed_load_id,
        completed_until,
        requested_since,
        requested_until
    from {{ source('raw', 'run_state') }}
),

-- a file's first day is that of its first row that says something new
new_loads as (
    select min(load_manifest.first_day) as first_day
    from {{ source('raw', 'load_manifest') }} as load_manifest
    inner join run_state on load_manifest.load_id > run_state.completed_load_id
),

-- what was sent again with another date has to leave the day it was on, in every table
sent_again as (
    select
        'transaction' as what,
        transaction_id as id,
        authorized_at::date as day
    from {{ ref('stg_card_transactions') }}
    where load_id > (select completed_load_id from run_state)
    union all
    select
        'claim' as what,
        claim_id as id,
        submitted_at::date as day
    from {{ ref('stg_expense_claims') }}
    where load_id > (select completed_load_id from run_state)
),

was_on as (
    select
        'transaction' as what,
        transaction_id as id,
        max_by(authorized_at::date, row(load_id, load_line)) as day
    from {{ ref('stg_card_transactions') }}
    where
        load_id <= (select completed_load_id from run_state)
        and transaction_id in (select id from sent_again)
    group by transaction_id
    union all
    select
        'claim' as what,
        claim_id as id,
        max_by(submitted_at::date, row(load_id, load_line)) as day
    from {{ ref('stg_expense_claims') }}
    where
        load_id <= (select completed_load_id from run_state)
        and claim_id in (select id from sent_again)
    group by claim_id
),

moved_from as (
    select min(least(was_on.day, sent_again.day)) as first_day
    from sent_again
    inner join was_on
        on
            sent_again.what = was_on.what
            and sent_again.id = was_on.id
            and sent_again.day <> was_on.day
),

latest as (
    select max(load_id) as load_id from {{ source('raw', 'load_manifest') }}
),

landed as (
    select
        min(authorized_at)::date as first_day,
        max(authorized_at)::date as last_day
    from {{ ref('stg_card_transactions') }}
    -- a day that has not come yet is not built: the days until then would be over before they began
    where authorized_at::date <= {{ today() }}
),

-- nothing before them is of interest, however long ago a card or an employee began
first_days as (
    select min(submitted_at)::date as first_day from {{ ref('stg_expense_claims') }}
    union all
    select min(decided_at)::date as first_day from {{ ref('stg_labels') }}
    union all
    select first_day from landed
),

-- a statement completes approvals of the days before it
approvals as (
    select case when count(*) > 0 then {{ var('approval_days') }} else 0 end as days_back
    from {{ ref('stg_card_transactions') }}
    where record_kind = 'approval'
),

earliest as (
    select min(first_day) as first_day from first_days
),

changed as (
    select
        earliest.first_day,
        greatest(
            earliest.first_day,
            least(
                new_loads.first_day,
                moved_from.first_day,
                coalesce(run_state.completed_until + 1, earliest.first_day),
                run_state.requested_since
            ) - approvals.days_back
        )::date as changed_from,
        least(
            run_state.completed_until + 1 - {{ var('late_lookback_days') }},
            moved_from.first_day,
            run_state.requested_since
        )::date as restated_from,
        least(landed.last_day, run_state.requested_until)::date as built_until,
        -- a file that was taken back, or a run that broke off, may leave days behind the last one
        -- there is now; days that a run has finished stay when only earlier ones are asked for
        case
            when run_state.requested_until < run_state.completed_until
                then run_state.requested_until
            else date '9999-12-31'
        end as cleared_until
    from run_state
    cross join new_loads
    cross join moved_from
    cross join earliest
    cross join landed
    cross join approvals
    -- without a transaction there is nothing to build
    where landed.last_day is not null
),

final as (
    select
        changed.first_day,
        changed.changed_from,
        greatest(changed.changed_from, changed.restated_from) as built_from,
        changed.built_until,
        changed.cleared_until,
        latest.load_id as latest_load_id
    from latest
    left outer join changed on true
)

select * from final
