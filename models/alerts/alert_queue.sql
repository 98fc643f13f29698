{{ config(materialized='day_by_day', days_from='review_seats', contract={'enforced': true}) }}
-- Grain: one row per subject that is in a case or would have been, had there been a seat. The SQL
-- is about one review day, walked_day(), and is run for one working day after the other: what got a
-- seat stays. Its parts are ephemeral models, which are steps of the same statement:
--   1. queue_day_subjects: what is decided on, and what of it is one case
--   2. queue_day_members: which of it joins an open case
--   3. queue_day_lanes: what a review of each new case is worth, and which get a seat
-- Here a few cases are drawn for a second review. What is left is below the line (lane null); a
-- mandatory case without a seat has no row yet and waits.
with

members as (
    select * from {{ ref('queue_day_members') }}
),

cases as (
    select * from {{ ref('queue_day_lanes') }}
),

seats as (
    select second_review_seats from {{ ref('review_seats') }}
    where review_date = {{ walked_day() }}
),

confirmations as (
    select count(*) as taken_seats from {{ ref('audit_confirmations') }}
    where review_date = {{ walked_day() }}
),

run_state as (
    select audit_seed from {{ source('raw', 'run_state') }}
),

-- A few are reviewed twice, drawn when nobody can see the draw before, on the seats that findings
-- of the audit leave.
drawn as (
    select
        cases.case_id,
        row_number() over (order by md5(run_state.audit_seed || cases.case_id), cases.case_id)
            as place
    from cases
    cross join run_state
    where cases.lane is not null
),

reviewed_twice as (
    select drawn.case_id
    from drawn
    cross join seats
    cross join confirmations
    where drawn.place <= seats.second_review_seats - confirmations.taken_seats
),

final as (
    select
        {{ walked_day() }} as review_date,
        members.case_id,
        coalesce(
            members.joined_lane,
            cases.lane,
            -- the others of a mandatory case that waits are sure to be looked at with it
            case when cases.is_mandatory then 'mandatory' end
        ) as lane,
        members.joined_lane is null and cases.lane is not null and members.place_in_case = 1
            as is_alert,
        members.place_in_case = 1
        and members.joined_lane is null
        and reviewed_twice.case_id is not null as is_reviewed_twice,
        members.subject_type,
        members.subject_id,
        members.transaction_id,
        members.occurred_at,
        members.employee_id,
        members.merchant_id,
        members.approver_id,
        members.common_cause,
        members.is_mandatory,
        members.amount,
        members.currency,
        members.risk,
        members.expected_value,
        cases.case_risk,
        cases.review_value,
        cases.review_value * members.review_cost as case_expected_value
    from members
    left outer join cases on members.case_id = cases.case_id
    left outer join reviewed_twice on members.case_id = reviewed_twice.case_id
    -- a mandatory hit without a seat waits; it has no row until it gets one. What is only doubtful,
    -- without others, was never a case.
    where
        members.joined_lane is not null
        or cases.lane is not null
        or (cases.is_eligible and not members.is_mandatory)
)

select * from final
