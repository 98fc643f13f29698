-- Grain: one row per detector and fitting day: what was fitted, how it did, and where it stands.
-- Of the promotions of a detector the latest word on a day holds; the one whose day comes last is
-- the champion. The newest version, if it was fitted after the champion began to score and was not
-- promoted, is the candidate; all others are retired. A day on which too little was known is listed
-- as skipped.
with

versions as (
    select
        * exclude (artefact),
        status = 'fitted'
        and fitted_on = max(case when status = 'fitted' then fitted_on end) over (
            partition by detector
        ) as is_newest
    from {{ source('ledger', 'detector_versions') }}
),

words as (
    select
        *,
        row_number() over (
            partition by detector, champion_from
            order by decided_at desc, issue_id desc
        ) as place
    from {{ source('ledger', 'model_promotions') }}
),

promotions as (
    select
        *,
        row_number() over (partition by detector order by champion_from desc) as recency,
        lead(champion_from) over (partition by detector order by champion_from) as champion_until
    from words
    where place = 1
),

champions as (
    select
        detector,
        version as champion,
        champion_from
    from promotions
    where recency = 1
),

latest_promotions as (
    select
        version,
        max(champion_from) as champion_from,
        max_by(champion_until, champion_from) as champion_until,
        max_by(decided_by, champion_from) as promoted_by,
        max_by(reason, champion_from) as promoted_because
    from promotions
    group by version
),

final as (
    select
        versions.detector,
        versions.version,
        case
            when versions.status = 'skipped' then 'skipped'
            when versions.version = champions.champion then 'champion'
            when versions.is_newest and versions.fitted_on > champions.champion_from
                then 'candidate'
            else 'retired'
        end as stage,
        latest_promotions.champion_from,
        latest_promotions.champion_until,
        latest_promotions.promoted_by,
        latest_promotions.promoted_because,
        versions.* exclude (detector, version, is_newest)  -- noqa: RF02
    from versions
    left outer join champions on versions.detector = champions.detector
    left outer join latest_promotions on versions.version = latest_promotions.version
)

select * from final  -- noqa: AM04
