-- Grain: one row per detector: what speaks for training it again. Drift counts when it is beyond
-- chance and beyond the PSI that matters (relevant_psi), and lasts: three of the last four weeks.
with

latest as (
    select
        detector,
        max_by(version, champion_from) filter (where champion_from is not null) as version,
        max(champion_from) as champion_from
    from {{ ref('model_versions') }}
    group by detector
),

champions as (
    select
        latest.detector,
        latest.version,
        latest.champion_from,
        versions.fitted_on,
        kinds.is_supervised,
        build_window.built_until as as_of
    from latest
    cross join {{ ref('build_window') }} as build_window
    inner join {{ ref('detectors') }} as kinds on latest.detector = kinds.detector
    left outer join {{ ref('model_versions') }} as versions
        on
            latest.detector = versions.detector
            and latest.version = versions.version
),

-- the last four complete weeks

last_weeks as (
    select week
    from (
        select
            week,
            row_number() over (order by week desc) as recency
        from (select distinct week from {{ ref('weekly_draw') }}) as weeks
    ) as ranked
    where recency <= 4
),

-- against what the present champion was trained on: a new one begins without evidence
present_reference as (
    select max_by(reference, week) as reference
    from {{ ref('feature_drift') }}
),

drifted_features as (
    select
        feature_drift.feature,
        count(*) filter (
            where feature_drift.is_drifted
            and feature_drift.psi >= {{ var('relevant_psi') }}
        ) >= 3 as is_drifted
    from {{ ref('feature_drift') }} as feature_drift
    inner join present_reference on feature_drift.reference = present_reference.reference
    inner join last_weeks on feature_drift.week = last_weeks.week
    where feature_drift.comparison = 'training'
    group by feature_drift.feature
),

-- a feature counts as much as it contributed to what the detector explained in the last month

last_month as (
    select
        champions.detector,
        max(attribution_trend.month) as month
    from champions
    inner join {{ ref('attribution_trend') }} as attribution_trend
        on
            champions.detector = attribution_trend.detector
            and champions.version = attribution_trend.version
    group by champions.detector
),

attribution as (
    select
        attribution_trend.detector,
        attribution_trend.feature,
        attribution_trend.share,
        attribution_trend.ndcg,
        attribution_trend.is_shifted
    from {{ ref('attribution_trend') }} as attribution_trend
    inner join last_month
        on
            attribution_trend.detector = last_month.detector
            and attribution_trend.month = last_month.month
),

shifts as (
    select
        detector,
        max(ndcg) as attribution_ndcg,
        bool_or(is_shifted) as is_attribution_shifted
    from attribution
    group by detector
),

read_features as (
    select
        champions.detector,
        catalog.feature,
        case when shifts.detector is null then 1 else coalesce(attribution.share, 0) end as weight
    from champions
    inner join {{ ref('feature_catalog') }} as catalog
        on
            case champions.detector
                when 'gradient_boosted_tree' then catalog.in_tree
                when 'peer_deviation' then catalog.in_peer
                when 'collective_shift' then catalog.in_collective
                else catalog.in_anomaly
            end
    left outer join shifts on champions.detector = shifts.detector
    left outer join attribution
        on
            champions.detector = attribution.detector
            and catalog.feature = attribution.feature
),

feature_evidence as (
    select
        read_features.detector,
        sum(case when drifted_features.is_drifted then read_features.weight else 0 end)
        / nullif(sum(read_features.weight), 0) as drifted_share
    from read_features
    inner join drifted_features on read_features.feature = drifted_features.feature
    group by read_features.detector
),

score_evidence as (
    select
        champions.detector,
        count(score_drift.psi) as score_weeks,
        count(*) filter (
            where score_drift.is_drifted
            and score_drift.psi >= {{ var('relevant_psi') }}
        ) as score_drift_weeks
    from champions
    inner join {{ ref('score_drift') }} as score_drift
        on
            champions.detector = score_drift.detector
            and champions.version = score_drift.version
    inner join last_weeks on score_drift.week = last_weeks.week
    group by champions.detector
),

-- labels

newer_labels as (
    select
        champions.detector,
        count(*) as newer_label_count
    from champions
    inner join {{ ref('label_decisions') }} as decisions
        on champions.fitted_on <= decisions.decided_on
    group by champions.detector
),

-- the last eight weeks since the champion began: decisions take their time
precision_gap as (
    select
        champions.detector,
        sum(weeks.decided_count) as decided_count,
        sum(weeks.decided_count * weeks.realised_precision) / sum(weeks.decided_count)
            as realised_precision,
        sum(weeks.decided_count * weeks.expected_precision_of_decided)
        / sum(weeks.decided_count) as expected_precision
    from champions
    inner join {{ ref('expected_precision') }} as weeks
        on
            champions.is_supervised
            and champions.champion_from <= weeks.week
            and champions.as_of - 63 < weeks.week
    where weeks.expected_precision_of_decided is not null
    group by champions.detector
),

evidence as (
    select
        champions.detector,
        champions.version,
        champions.is_supervised,
        champions.as_of,
        champions.as_of - champions.champion_from as champion_age_days,
        coalesce(newer_labels.newer_label_count, 0) as newer_label_count,
        feature_evidence.drifted_share,
        score_evidence.score_weeks,
        score_evidence.score_drift_weeks,
        shifts.attribution_ndcg,
        shifts.is_attribution_shifted,
        precision_gap.decided_count,
        precision_gap.realised_precision - precision_gap.expected_precision as precision_gap,
        precision_gap.expected_precision
        * (1 - precision_gap.expected_precision)
        / precision_gap.decided_count as precision_variance
    from champions
    left outer join newer_labels on champions.detector = newer_labels.detector
    left outer join feature_evidence on champions.detector = feature_evidence.detector
    left outer join score_evidence on champions.detector = score_evidence.detector
    left outer join shifts on champions.detector = shifts.detector
    left outer join precision_gap on champions.detector = precision_gap.detector
),

final as (
    select
        detector,
        version,
        as_of,
        drifted_share::double as drifted_share,
        score_weeks::integer as score_weeks,
        score_drift_weeks::integer as score_drift_weeks,
        attribution_ndcg::double as attribution_ndcg,
        is_attribution_shifted,
        champion_age_days::integer as champion_age_days,
        newer_label_count::bigint as newer_label_count,
        decided_count::bigint as decided_count,
        precision_gap::double as precision_gap,
        coalesce(score_drift_weeks >= 3, false) as is_score_drifted,
        coalesce(drifted_share >= {{ var('retrain_drifted_share') }}, false)
            as is_feature_drifted,
        -- below what chance explains (three standard errors), and by enough to be felt
        coalesce(
            precision_gap < -0.05
            and precision_gap < -3 * sqrt(precision_variance),
            false
        ) as is_precision_low,
        coalesce(
            champion_age_days > {{ var('retrain_after_days') }}
            and (newer_label_count > 0 or not is_supervised),
            false
        ) as is_old
    from evidence
)

select * from final
