{{ config(contract={'enforced': true}, access='public') }}
-- Grain: one row per issued case: where its review stands, and by when something is due. Today is
-- the last day that was built: a company whose data ends last month has no case that is overdue
-- since.
with

alerts as (
    select * from {{ source('ledger', 'alerts') }}
),

accepted as (
    select * from {{ ref('case_events') }}
    where is_accepted
),

decisions as (
    select * from {{ ref('case_decisions') }}
),

closed_states as (
    select state from {{ ref('case_transitions') }}
    where event = 'reopened'
),

members as (
    select
        case_members.case_id,
        count(*) as member_count,
        sum(case_members.amount) filter (
            where case_members.is_counted
            and case_members.currency = alerts.currency
        ) as amount
    from {{ ref('case_members') }} as case_members
    inner join alerts on case_members.case_id = alerts.case_id
    group by case_members.case_id
),

reviewed as (
    select
        case_id,
        count(*) as event_count,
        max_by(state_after, event_number) as state,
        -- being asked again starts the time anew, being handed over does not
        max(occurred_at) filter (
            where state_after <> state_before
            or event = 'explanation_requested'
        ) as state_since,
        -- whoever escalates a case hands it on
        arg_max_null(
            case event when 'assigned' then actor_id end, event_number
        ) filter (where event in ('assigned', 'escalated')) as reviewer_id,
        sum(amount) filter (
            where event in ('recovered_in_part', 'recovered')
        ) as recovered_amount
    from accepted
    group by case_id
),

findings as (
    select
        case_id,
        count(*) as finding_count
    from decisions
    where transaction_id is not null
    group by case_id
),

standing as (
    select
        alerts.case_id,
        coalesce(reviewed.state, 'new') as state,
        coalesce(reviewed.state_since, alerts.alert_date::timestamp) as state_since,
        closed_states.state is null as is_open
    from alerts
    left outer join reviewed on alerts.case_id = reviewed.case_id
    left outer join closed_states on reviewed.state = closed_states.state
),

-- an order without an amount is one of everything that it is about
ordered as (
    select
        decisions.case_id,
        sum(coalesce(decisions.amount, decisions.covered_amount)) as amount
    from decisions
    inner join standing on decisions.case_id = standing.case_id
    where
        decisions.event = 'recovery_ordered'
        -- reopening takes back what was said of the case, and no finding
        and (decisions.transaction_id is not null or not standing.is_open)
    group by decisions.case_id
),

due as (
    select
        standing.case_id,
        due_days.day as due_on,
        remind_days.day as remind_on
    from standing
    inner join {{ ref('case_deadlines') }} as case_deadlines
        on standing.state = case_deadlines.state
    inner join {{ ref('working_days') }} as started
        on standing.state_since::date = started.day
    inner join {{ ref('working_days') }} as due_days
        on
            due_days.is_working_day
            and started.working_day_number + case_deadlines.working_days
            = due_days.working_day_number
    inner join {{ ref('working_days') }} as remind_days
        on
            remind_days.is_working_day
            and due_days.working_day_number - case_deadlines.remind_before
            = remind_days.working_day_number
),

final as (
    select
        alerts.case_id,
        alerts.alert_id,
        alerts.lane,
        alerts.second_of,
        alerts.alert_date as opened_on,
        alerts.place,
        standing.state,
        standing.state_since,
        standing.is_open,
        reviewed.reviewer_id,
        due.due_on,
        due.remind_on,
        coalesce(due.due_on < build_window.built_until, false) as is_overdue,
        build_window.built_until::date as as_of,
        alerts.employee_id,
        alerts.department_id,
        coalesce(members.member_count, 0)::bigint as member_count,
        members.amount::decimal(18, 4) as amount,
        alerts.currency,
        case
            when standing.is_open then null
            when decisions.event = 'cleared' then decisions.reason
            else decisions.event
        end as outcome,
        case when not standing.is_open then decisions.decided_at end as decided_at,
        coalesce(findings.finding_count, 0)::bigint as finding_count,
        ordered.amount::decimal(18, 4) as recovery_ordered_amount,
        reviewed.recovered_amount::decimal(18, 4) as recovered_amount,
        coalesce(reviewed.event_count, 0)::bigint as event_count
    from alerts
    inner join standing on alerts.case_id = standing.case_id
    left outer join members on alerts.case_id = members.case_id
    left outer join reviewed on alerts.case_id = reviewed.case_id
    left outer join decisions
        on
            alerts.case_id = decisions.case_id
            and decisions.transaction_id is null
    left outer join findings on alerts.case_id = findings.case_id
    left outer join ordered on alerts.case_id = ordered.case_id
    left outer join due on alerts.case_id = due.case_id
    left outer join {{ ref('build_window') }} as build_window on true
)

select * from final
