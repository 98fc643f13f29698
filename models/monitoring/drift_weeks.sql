-- Grain: one row per complete week that feature_drift compares: with which period. That is the
-- training period of the tree that was champion then; the first eight weeks of the warehouse where
-- there was none.
with

weeks as (
    select distinct
        week,
        week_until
    from {{ ref('weekly_draw') }}
),

champions as (
    select
        version,
        trained_from,
        trained_until,
        champion_from
    from {{ ref('model_versions') }}
    where
        detector = 'gradient_boosted_tree'
        and champion_from is not null
),

champion_of_week as (
    select
        weeks.week,
        weeks.week_until,
        max_by(champions.version, champions.champion_from) as version
    from weeks
    left outer join champions on weeks.week >= champions.champion_from
    group by weeks.week, weeks.week_until
),

first_weeks as (
    select min(week) as week from weeks
),

final as (
    select
        champion_of_week.week,
        champion_of_week.week_until,
        coalesce(champion_of_week.version, 'first weeks') as reference,
        coalesce(champions.trained_from, first_weeks.week) as reference_from,
        coalesce(champions.trained_until, first_weeks.week + 56) as reference_until
    from champion_of_week
    cross join first_weeks
    left outer join champions on champion_of_week.version = champions.version
    where
        champion_of_week.week >= coalesce(champions.trained_until, first_weeks.week + 56)
)

select * from final
