{{ config(
    materialized='incremental', incremental_strategy='build_window', unique_key='week_until',
    on_schema_change='fail'
) }}
{% set reference_keys = ['reference', 'transaction_id', 'transaction_date'] -%}
-- Grain: one row per feature that a detector reads, complete week and comparison: how far the week
-- lies from the training period that drift_weeks names ('training'), and from the four weeks before
-- ('previous').
-- One purchase per card and week on both sides: see weekly_draw. Both comparisons count the bins
-- between the deciles of the training period, so that a value is put into its bin once; a feature
-- with few values has fewer bins, and null is a bin.
with

draws as (
    select * from {{ ref('weekly_draw') }}
    where place <= {{ var('drift_rows') }}
),

weeks as (
    select distinct
        week,
        week_until
    from draws
),

compared as (
    select * from {{ ref('drift_weeks') }}
    where {{ in_build_window('week_until') }}
),

periods as (
    select distinct
        reference,
        reference_from,
        reference_until
    from compared
),

reference_weeks as (
    select
        periods.reference,
        weeks.week,
        count(*) over (partition by periods.reference) as week_count
    from periods
    inner join weeks
        on
            periods.reference_from <= weeks.week
            and periods.reference_until > weeks.week_until
),

reference_draws as (
    select
        reference_weeks.reference,
        draws.transaction_id,
        draws.transaction_date
    from reference_weeks
    inner join draws on reference_weeks.week = draws.week
    where draws.place <= {{ var('drift_rows') }} / reference_weeks.week_count
),

week_draws as (
    select distinct
        compared.reference,
        draws.week,
        draws.transaction_id,
        draws.transaction_date
    from compared
    inner join draws
        on
            compared.week - 28 <= draws.week
            and compared.week >= draws.week
),

-- the features of these purchases, a row each

read_features as (
    select feature from {{ ref('feature_catalog') }}
    where in_tree or in_anomaly or in_peer or in_collective
),

reference_rows as (  -- noqa: ST03
    select
        reference_draws.reference,
        detector_inputs.* exclude (segment)  -- noqa: RF02
    from {{ ref('detector_inputs') }} as detector_inputs
    inner join reference_draws
        on
            detector_inputs.transaction_date = reference_draws.transaction_date
            and detector_inputs.transaction_id = reference_draws.transaction_id
),

reference_values as (
    select
        unpivoted.reference,
        unpivoted.feature,
        unpivoted.value
    from (select * from {{ unpivot_columns('reference_rows', reference_keys) }}) as unpivoted
    inner join read_features on unpivoted.feature = read_features.feature
),

week_rows as (  -- noqa: ST03
    select
        week_draws.reference,
        week_draws.week,
        detector_inputs.* exclude (segment)  -- noqa: RF02
    from {{ ref('detector_inputs') }} as detector_inputs
    inner join week_draws
        on
            detector_inputs.transaction_date = week_draws.transaction_date
            and detector_inputs.transaction_id = week_draws.transaction_id
),

week_values as (
    select
        unpivoted.reference,
        unpivoted.week,
        unpivoted.feature,
        unpivoted.value
    from (select * from {{ unpivot_columns('week_rows', reference_keys + ['week']) }}) as unpivoted
    inner join read_features on unpivoted.feature = read_features.feature
),

edges as (
    select
        reference,
        feature,
        {{ deciles('value') }} as edges
    from reference_values
    group by reference, feature
),

reference_bins as (
    select
        reference_values.reference,
        reference_values.feature,
        {{ bin_among('reference_values.value', 'edges.edges') }} as bin,
        count(*) as row_count
    from reference_values
    inner join edges
        on
            reference_values.reference = edges.reference
            and reference_values.feature = edges.feature
    group by all
),

week_bins as (
    select
        week_values.reference,
        week_values.feature,
        week_values.week,
        {{ bin_among('week_values.value', 'edges.edges') }} as bin,
        count(*) as row_count
    from week_values
    inner join edges
        on
            week_values.reference = edges.reference
            and week_values.feature = edges.feature
    group by all
),

comparisons as (
    select 'training' as comparison
    union all
    select 'previous' as comparison
),

counted as (
    select
        compared.week,
        compared.week_until,
        compared.reference,
        comparisons.comparison,
        week_bins.feature,
        week_bins.bin,
        0 as reference_count,
        week_bins.row_count as week_count
    from compared
    inner join week_bins
        on
            compared.reference = week_bins.reference
            and compared.week = week_bins.week
    cross join comparisons
    union all
    select
        compared.week,
        compared.week_until,
        compared.reference,
        'training' as comparison,
        reference_bins.feature,
        reference_bins.bin,
        reference_bins.row_count as reference_count,
        0 as week_count
    from compared
    inner join reference_bins on compared.reference = reference_bins.reference
    union all
    select
        compared.week,
        compared.week_until,
        compared.reference,
        'previous' as comparison,
        week_bins.feature,
        week_bins.bin,
        week_bins.row_count as reference_count,
        0 as week_count
    from compared
    inner join week_bins
        on
            compared.reference = week_bins.reference
            and compared.week > week_bins.week
            and compared.week - 28 <= week_bins.week
),

cells as (
    select
        feature,
        week,
        week_until,
        comparison,
        reference,
        bin,
        sum(reference_count) as reference_count,
        sum(week_count) as week_count
    from counted
    group by all
),

measured as (
    {{ compare_bins('cells', ['feature', 'week', 'week_until', 'comparison', 'reference']) }}
),

final as (
    select
        feature,
        week::date as week,
        week_until::date as week_until,
        comparison,
        reference,
        round(psi, 9)::double as psi,
        round(psi_threshold, 9)::double as psi_threshold,
        round(js_distance, 9)::double as js_distance,
        round(ks, 9)::double as ks,
        reference_rows::bigint as reference_rows,
        week_rows::bigint as week_rows,
        bin_count::integer as bin_count,
        case when bin_count = 1 then false else psi > psi_threshold end as is_drifted
    from measured
)

select * from final
