{{ config(contract={'enforced': true}) }}
-- Grain: one row per issued case: its alert, and where its review stands.
with

alerts as (
    select * from {{ source('ledger', 'alerts') }}
),

members as (
    select
        case_id,
        count(*) as member_count
    from {{ source('ledger', 'case_members') }}
    group by case_id
),

events as (
    select
        case_id,
        count(*) as event_count,
        max_by(event, occurred_at) as last_event,
        max(occurred_at) as last_event_at
    from {{ ref('stg_review_events') }}
    group by case_id
),

final as (
    select
        alerts.case_id,
        min(alerts.alert_date) as opened_on,
        min(alerts.alert_id) as alert_id,
        min(alerts.lane) as lane,
        min(alerts.employee_id) as employee_id,
        min(alerts.department_id) as department_id,
        max(members.member_count)::bigint as member_count,
        coalesce(max(events.last_event), 'new') as state,
        max(events.last_event_at) as state_since,
        coalesce(max(events.event_count), 0)::bigint as event_count
    from alerts
    inner join members on alerts.case_id = members.case_id
    left outer join events on alerts.case_id = events.case_id
    group by alerts.case_id
)

select * from final
