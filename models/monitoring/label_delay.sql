-- Grain: one row per complete week of purchase: how long the alerts on its purchases waited for a
-- decision. Without a decision the delay is unknown, which is not 0. The usual delay is that of
-- all decided alerts, 95 of 100 of them.
with

alerts as (
    select
        transaction_id,
        date_trunc('week', occurred_at)::date as week,
        min(alert_date) as alert_date
    from {{ source('ledger', 'alerts') }}
    where subject_type = 'transaction'
    group by transaction_id, date_trunc('week', occurred_at)::date
),

-- what was decided before the alert did not wait for it
decisions as (
    select
        alerts.transaction_id,
        min(decisions.decided_on) as decided_on
    from alerts
    inner join {{ ref('label_decisions') }} as decisions
        on
            alerts.transaction_id = decisions.transaction_id
            and alerts.alert_date <= decisions.decided_on
    group by alerts.transaction_id
),

known_days as (
    select
        min(issues.issued_from) as first_day,
        max(build_window.built_until) as last_day
    from {{ source('ledger', 'issues') }} as issues
    cross join {{ ref('build_window') }} as build_window
),

waited as (
    select
        alerts.week,
        decisions.decided_on - alerts.alert_date as delay_days,
        known_days.last_day - alerts.alert_date as age_days
    from alerts
    cross join known_days
    left outer join decisions on alerts.transaction_id = decisions.transaction_id
    where
        alerts.week >= known_days.first_day
        and alerts.week + 6 <= known_days.last_day
),

usual as (
    select percentile_cont(0.95) within group (order by delay_days) as usual_delay_days
    from waited
    where delay_days is not null
),

final as (
    select
        waited.week,
        count(*)::bigint as alert_count,
        count(waited.delay_days)::bigint as decided_count,
        (percentile_cont(0.5) within group (order by waited.delay_days))::double
            as median_delay_days,
        (percentile_cont(0.95) within group (order by waited.delay_days))::double
            as long_delay_days,
        usual.usual_delay_days::double as usual_delay_days,
        case
            when usual.usual_delay_days is not null
                then
                    count(*) filter (
                        where waited.delay_days is null
                        and waited.age_days > usual.usual_delay_days
                    ) / count(*)
        end::double as overdue_share
    from waited
    cross join usual
    group by waited.week, usual.usual_delay_days
)

select * from final
