{{ config(materialized='table') }}
-- Grain: one row per fitting day of the tree on which a stack is due: from which purchases it may
-- learn. Their outcomes must largely be known, and the tree that is champion from that day on must
-- not have learned from them: what it says of its own training rows is too good, and what an
-- earlier version said of them is on another scale.
with

due as (
    select
        schedule.fitted_on,
        schedule.holdout_from,
        (
            schedule.fitted_on
            - greatest(schedule.gap_days, {{ var('undecided_minimum_age_days') }})
        )::date as known_until
    from {{ ref('detector_schedule') }} as schedule
    left outer join {{ source('ledger', 'risk_versions') }} as issued
        on
            issued.method = 'stack'
            and schedule.fitted_on = issued.fitted_on
    where
        schedule.detector = 'gradient_boosted_tree'
        and issued.version is null
),

-- a fit that promotes itself has no row among the promotions before it is issued
promotions as (
    select
        version,
        fitted_on as champion_from,
        fitted_on::timestamp as decided_at
    from {{ ref('gradient_boosted_tree__fit') }}
    where is_promoted
    union all
    select
        version,
        champion_from,
        decided_at
    from {{ source('ledger', 'model_promotions') }}
    where detector = 'gradient_boosted_tree'
),

champions as (
    select
        due.fitted_on,
        promotions.version,
        row_number() over (
            partition by due.fitted_on
            order by promotions.champion_from desc, promotions.decided_at desc
        ) as place
    from due
    inner join promotions on due.fitted_on >= promotions.champion_from
),

final as (
    select
        due.fitted_on,
        due.holdout_from,
        champions.version as tree_version,
        greatest(
            (due.fitted_on - {{ var('detector_training_days') }})::date, trees.trained_until
        ) as learns_from,
        due.known_until
    from due
    left outer join champions
        on
            due.fitted_on = champions.fitted_on
            and champions.place = 1
    left outer join {{ ref('gradient_boosted_tree__fit') }} as trees
        on champions.version = trees.version
)

select * from final
