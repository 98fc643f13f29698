-- Grain: one row per rule and complete week in which it could be evaluated: how often it fired, and
-- whether that is out of the ordinary after the eight weeks before.
-- Hits are taken as Poisson counts that vary more than chance alone where those weeks did: the
-- variance is the larger of the two. The band holds 99 % of weeks, 98 % where they vary much; the
-- quantile is Student's where the variance was estimated from so few weeks, else the normal one.
with

evaluated as (
    select
        rule_id,
        date_trunc('week', covered_on)::date as week,
        sum(evaluated_count) as evaluated_count
    from {{ ref('rule_coverage') }}
    group by rule_id, date_trunc('week', covered_on)::date
    having sum(evaluated_count) > 0
),

first_days as (
    select min(covered_on) as first_day from {{ ref('rule_coverage') }}
),

hits as (
    select
        rule_id,
        date_trunc('week', occurred_on)::date as week,
        count(*) as hit_count
    from {{ ref('rule_hits') }}
    group by rule_id, date_trunc('week', occurred_on)::date
),

weeks as (
    select
        evaluated.rule_id,
        evaluated.week,
        evaluated.evaluated_count,
        coalesce(hits.hit_count, 0) as hit_count
    from evaluated
    cross join first_days
    left outer join hits
        on
            evaluated.rule_id = hits.rule_id
            and evaluated.week = hits.week
    where
        evaluated.week >= first_days.first_day
        and evaluated.week + 6 <= (select built_until from {{ ref('build_window') }})
),

-- earlier weeks, as if they had had as many purchases as this one
expected as (
    select
        weeks.rule_id,
        weeks.week,
        count(*) as earlier_weeks,
        sum(earlier.hit_count) / sum(earlier.evaluated_count) * max(weeks.evaluated_count)
            as expected_hits,
        var_samp(earlier.hit_count / earlier.evaluated_count * weeks.evaluated_count)
            as variance
    from weeks
    inner join weeks as earlier
        on
            weeks.rule_id = earlier.rule_id
            and weeks.week > earlier.week
            and weeks.week - 56 <= earlier.week
    group by weeks.rule_id, weeks.week
    having count(*) >= 4
),

bands as (
    select
        *,
        case
            when variance <= greatest(expected_hits, 1) then 2.5758
            when earlier_weeks = 4 then 5.8409
            when earlier_weeks = 5 then 4.6041
            when earlier_weeks = 6 then 4.0321
            when earlier_weeks = 7 then 3.7074
            else 3.4995
        end
        -- of what is hardly expected at all, the mean itself is hardly known
        * sqrt(greatest(variance, expected_hits, 1) * (1 + 1.0 / earlier_weeks)) as half_width
    from expected
),

final as (
    select
        weeks.rule_id,
        weeks.week,
        weeks.hit_count::bigint as hit_count,
        weeks.evaluated_count::bigint as evaluated_count,
        (weeks.hit_count / weeks.evaluated_count)::double as hit_rate,
        coalesce(bands.earlier_weeks, 0)::integer as earlier_weeks,
        bands.expected_hits::double as expected_hits,
        greatest(bands.expected_hits - bands.half_width, 0)::double as expected_from,
        (bands.expected_hits + bands.half_width)::double as expected_to,
        abs(weeks.hit_count - bands.expected_hits) > bands.half_width as is_unusual
    from weeks
    left outer join bands
        on
            weeks.rule_id = bands.rule_id
            and weeks.week = bands.week
)

select * from final
