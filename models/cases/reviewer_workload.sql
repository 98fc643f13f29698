{{ config(contract={'enforced': true}, access='public') }}
-- Grain: one row per reviewer who has a case or ever decided one.
with

open_cases as (
    select
        reviewer_id,
        count(*) as open_count,
        count(*) filter (where is_overdue) as overdue_count
    from {{ ref('cases') }}
    where
        is_open
        and reviewer_id is not null
    group by reviewer_id
),

-- every decision on a case is work, also one that was reopened later; findings are part of it
decisions as (
    select
        case_events.actor_id as reviewer_id,
        case_events.occurred_at::date as decided_on,
        case_events.occurred_at::date - cases.opened_on as days_to_decision
    from {{ ref('case_events') }} as case_events
    inner join {{ ref('cases') }} as cases on case_events.case_id = cases.case_id
    where
        case_events.is_accepted
        and case_events.transaction_id is null
        and case_events.event in ('cleared', 'inconclusive', 'recovery_ordered')
),

decided as (
    select
        decisions.reviewer_id,
        count(*) filter (
            where decisions.decided_on > build_window.built_until - 30
        ) as decided_30d_count,
        percentile_cont(0.5) within group (order by decisions.days_to_decision)
            as median_days_to_decision
    from decisions
    cross join {{ ref('build_window') }} as build_window
    group by decisions.reviewer_id
),

final as (
    select
        coalesce(open_cases.reviewer_id, decided.reviewer_id) as reviewer_id,
        coalesce(open_cases.open_count, 0)::bigint as open_count,
        coalesce(open_cases.overdue_count, 0)::bigint as overdue_count,
        coalesce(decided.decided_30d_count, 0)::bigint as decided_30d_count,
        decided.median_days_to_decision::double as median_days_to_decision
    from open_cases
    full outer join decided on open_cases.reviewer_id = decided.reviewer_id
)

select * from final
order by reviewer_id
