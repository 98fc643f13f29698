-- Grain: one row per rule: what it caught of the misuse that was last planted for it. A rule
-- for which none was planted is not known, which is not the same as blind.
with

last_measured as (
    select
        rule_id,
        max(measured_at) as measured_at
    from {{ source('raw', 'canary_results') }}
    group by rule_id
),

counted as (
    select
        results.rule_id,
        results.rule_version,
        results.measured_at,
        results.measured_until,
        count(*) as canaries,
        count(*) filter (where results.is_caught and not results.is_suppressed) as caught,
        count(*) filter (where results.is_suppressed) as suppressed
    from {{ source('raw', 'canary_results') }} as results
    inner join last_measured
        on
            results.rule_id = last_measured.rule_id
            and results.measured_at = last_measured.measured_at
    group by all
),

intervals as (
    select
        *,
        caught / canaries as rate
    from counted
),

final as (
    select
        catalog.rule_id,
        catalog.stage,
        intervals.rule_version,
        coalesce(intervals.rule_version = catalog.rule_version, false) as is_of_this_version,
        intervals.measured_at,
        intervals.measured_until,
        coalesce(intervals.canaries, 0) as canaries,
        coalesce(intervals.caught, 0) as caught,
        coalesce(intervals.suppressed, 0) as suppressed,
        intervals.rate as detection_rate,
        {{ wilson('intervals.rate', 'intervals.canaries', -1) }} as detection_rate_from,
        {{ wilson('intervals.rate', 'intervals.canaries', 1) }} as detection_rate_to
    from {{ ref('rule_catalog') }} as catalog
    left outer join intervals on catalog.rule_id = intervals.rule_id
)

select * from final
