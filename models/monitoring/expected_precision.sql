-- Grain: one row per complete week of alerts: the precision that their risk promises, beside the
-- precision of those decided so far. Alerts of the audit are no promise and are not counted, but
-- their decisions calibrate.
-- What a risk has been worth is learned from the decided alerts of earlier weeks, in ten bins of
-- risk, each purchase weighing what it stands for (1 / review probability, 20 at most): decisions
-- alone are selected by the very risk that is judged. A bin with few decisions leans on the rate of
-- all of them, which counts as much as ten.
-- In this way an expectation from before stands beside what came out, and a difference says that
-- the same risk is no longer worth the same.
with

decisions as (
    select
        transaction_id,
        misuse
    from {{ ref('latest_decisions') }}
    where is_latest
),

alerts as (
    select
        alerts.transaction_id,
        min(alerts.lane) as lane,
        date_trunc('week', min(alerts.alert_date))::date as week,
        max(scores.risk) as risk,
        least(1 / max(scores.review_probability), 20) as weight,
        bool_or(decisions.misuse) as misuse
    from {{ source('ledger', 'alerts') }} as alerts
    inner join {{ source('ledger', 'scores') }} as scores
        on alerts.transaction_id = scores.transaction_id
    left outer join decisions on alerts.transaction_id = decisions.transaction_id
    where alerts.subject_type = 'transaction'
    group by alerts.transaction_id
),

edges as (
    select {{ deciles('risk') }} as edges
    from alerts
    where misuse is not null
),

binned as (
    select
        alerts.*,
        {{ bin_among('alerts.risk', 'edges.edges') }} as bin
    from alerts
    cross join edges
),

weeks as (
    select distinct week from binned
    where
        week >= (select min(issued_from) from {{ source('ledger', 'issues') }})
        and week + 6 <= (select built_until from {{ ref('build_window') }})
),

-- the same decisions for each week that they come before

calibration as (
    select
        weeks.week,
        binned.bin,
        count(*) as decided,
        sum(binned.weight) as weight,
        sum(binned.weight * binned.weight) as squared_weight,
        sum(case when binned.misuse then binned.weight else 0 end) as misuse_weight
    from weeks
    inner join binned on weeks.week > binned.week
    where binned.misuse is not null
    group by weeks.week, binned.bin
),

overall as (
    select
        week,
        sum(decided) as decided,
        sum(misuse_weight) / sum(weight) as misuse_rate,
        power(sum(weight), 2) / sum(squared_weight) as effective_decisions
    from calibration
    group by week
),

expected as (
    select
        binned.week,
        binned.misuse,
        overall.decided >= 50 as is_calibrated,
        (coalesce(calibration.misuse_weight, 0) + 10 * overall.misuse_rate)
        / (coalesce(calibration.weight, 0) + 10) as probability
    from binned
    left outer join overall on binned.week = overall.week
    left outer join calibration
        on
            binned.week = calibration.week
            and binned.bin = calibration.bin
    where binned.lane not in ('audit', 'second_review')
),

counted as (
    select
        week,
        count(*) as alert_count,
        count(misuse) as decided_count,
        avg(case when is_calibrated then probability end) as expected_precision,
        avg(case when is_calibrated and misuse is not null then probability end)
            as expected_precision_of_decided,
        avg(case when misuse then 1 when not misuse then 0 end) as realised_precision
    from expected
    group by week
),

final as (
    select
        weeks.week,
        coalesce(counted.alert_count, 0)::bigint as alert_count,
        coalesce(counted.decided_count, 0)::bigint as decided_count,
        round(counted.expected_precision, 9)::double as expected_precision,
        round(counted.expected_precision_of_decided, 9)::double as expected_precision_of_decided,
        round(counted.realised_precision, 9)::double as realised_precision,
        coalesce(overall.decided, 0)::bigint as calibration_decisions,
        round(overall.effective_decisions, 9)::double as calibration_effective_decisions,
        case when coalesce(overall.decided, 0) < 50 then 'too few decisions' end as note
    from weeks
    left outer join counted on weeks.week = counted.week
    left outer join overall on weeks.week = overall.week
)

select * from final
