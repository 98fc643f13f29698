{{ config(
    materialized='incremental', incremental_strategy='build_window', unique_key='week_until',
    on_schema_change='fail'
) }}
-- Grain: one row per detector and complete week that its champion scored: how far the week's scores
-- lie from those of the champion's first four complete weeks, by one purchase per card and week
-- (see weekly_draw), and the share of all purchases with a tail of 2 or more, which is one in a
-- hundred as long as purchases resemble those that the detector learned from.
-- No measure for the first four weeks themselves, nor without them.
with

draws as (
    select
        week,
        week_until,
        transaction_id
    from {{ ref('weekly_draw') }}
    where place <= {{ var('drift_rows') }}
),

weeks as (
    select distinct
        week,
        week_until
    from draws
),

champions as (
    select
        detector,
        version,
        champion_from
    from {{ ref('model_versions') }}
    where champion_from is not null
),

champion_of_week as (
    select
        champions.detector,
        weeks.week,
        weeks.week_until,
        max_by(champions.version, champions.champion_from) as version
    from weeks
    inner join champions on weeks.week >= champions.champion_from
    where {{ in_build_window('weeks.week_until') }}
    group by champions.detector, weeks.week, weeks.week_until
),

reference_weeks as (
    select
        champions.detector,
        champions.version,
        weeks.week,
        row_number() over (
            partition by champions.detector, champions.version
            order by weeks.week
        ) as place
    from champions
    inner join weeks on champions.champion_from <= weeks.week
),

compared as (
    select
        champion_of_week.*,
        fourth_week.week is not null as is_compared
    from champion_of_week
    left outer join reference_weeks as fourth_week
        on
            champion_of_week.detector = fourth_week.detector
            and champion_of_week.version = fourth_week.version
            and champion_of_week.week > fourth_week.week
            and fourth_week.place = 4
),

-- each week that is read, under the version that it is read for

compared_versions as (
    select distinct
        detector,
        version
    from compared
    where is_compared
),

read_weeks as (
    select
        detector,
        version,
        week,
        false as is_reference
    from compared
    union all
    select
        reference_weeks.detector,
        reference_weeks.version,
        reference_weeks.week,
        true as is_reference
    from reference_weeks
    inner join compared_versions
        on
            reference_weeks.detector = compared_versions.detector
            and reference_weeks.version = compared_versions.version
    where reference_weeks.place <= 4
),

read_from as (
    select
        detector,
        min(week) as first_day
    from read_weeks
    group by detector
),

all_scores as (
    select
        'gradient_boosted_tree' as detector,
        *
    from {{ ref('score_gradient_boosted_tree') }}
    union all by name
    select * from {{ ref('anomaly_scores') }}
),

scores as (
    select
        all_scores.detector,
        all_scores.transaction_id,
        date_trunc('week', all_scores.transaction_date)::date as week,
        all_scores.tail,
        coalesce(all_scores.probability, all_scores.tail) as value
    from all_scores
    inner join read_from
        on
            all_scores.detector = read_from.detector
            and all_scores.transaction_date >= read_from.first_day
    where all_scores.version is not null
),

drawn_scores as (
    select
        read_weeks.detector,
        read_weeks.version,
        read_weeks.week,
        read_weeks.is_reference,
        scores.value
    from read_weeks
    inner join draws on read_weeks.week = draws.week
    inner join scores
        on
            read_weeks.detector = scores.detector
            and read_weeks.week = scores.week
            and draws.transaction_id = scores.transaction_id
),

-- counts by bin

edges as (
    select
        detector,
        version,
        {{ deciles('value') }} as edges
    from drawn_scores
    where is_reference
    group by detector, version
),

bins as (
    select
        drawn_scores.detector,
        drawn_scores.version,
        drawn_scores.week,
        drawn_scores.is_reference,
        {{ bin_among('drawn_scores.value', 'edges.edges') }} as bin,
        count(*) as row_count
    from drawn_scores
    inner join edges
        on
            drawn_scores.detector = edges.detector
            and drawn_scores.version = edges.version
    group by all
),

cells as (
    select
        compared.detector,
        compared.week,
        bins.bin,
        sum(case when bins.is_reference then bins.row_count else 0 end) as reference_count,
        sum(case when bins.is_reference then 0 else bins.row_count end) as week_count
    from compared
    inner join bins
        on
            compared.detector = bins.detector
            and compared.version = bins.version
            and (bins.is_reference or compared.week = bins.week)
    where compared.is_compared
    group by compared.detector, compared.week, bins.bin
),

measured as (
    {{ compare_bins('cells', ['detector', 'week']) }}
),

purchases as (
    select
        detector,
        week,
        count(*) as purchase_count,
        count(tail) as tail_count,
        count(*) filter (where tail >= 2) as high_tail_count
    from scores
    group by detector, week
),

final as (
    select
        compared.detector,
        compared.week::date as week,
        compared.week_until::date as week_until,
        compared.version,
        round(measured.psi, 9)::double as psi,
        round(measured.psi_threshold, 9)::double as psi_threshold,
        round(measured.js_distance, 9)::double as js_distance,
        round(measured.ks, 9)::double as ks,
        measured.reference_rows::bigint as reference_rows,
        measured.week_rows::bigint as week_rows,
        measured.bin_count::integer as bin_count,
        case when measured.bin_count = 1 then false else measured.psi > measured.psi_threshold end
            as is_drifted,
        purchases.purchase_count::bigint as purchase_count,
        (purchases.high_tail_count / nullif(purchases.tail_count, 0))::double as high_tail_share,
        case when purchases.tail_count > 0 then 0.01 end::double as high_tail_share_expected
    from compared
    inner join purchases
        on
            compared.detector = purchases.detector
            and compared.week = purchases.week
    left outer join measured
        on
            compared.detector = measured.detector
            and compared.week = measured.week
)

select * from final
