{{ config(materialized='view') }}
-- Grain: one row: the version of the risk that needs no labels. Its weights are the priors of the
-- seed risk_weights, and it is named after them.
with

settings as (
    select
        max(weight) filter (where component = 'tree') as tree_coefficient,
        max(weight) filter (where component = 'anomaly') as anomaly_coefficient,
        string_agg(component || '=' || weight, ',' order by component) as weights
    from {{ ref('risk_weights') }}
),

final as (
    select
        'noisy_or-'
        || substr(
            md5(
                weights
                || ',{{ var("anomaly_tail_from") }},{{ var("anomaly_tail_full") }}'
            ), 1, 8
        ) as version,
        (select built_from from {{ ref('build_window') }}) as fitted_on,
        'noisy_or' as method,
        1.0::double as rule_coefficient,
        tree_coefficient::double as tree_coefficient,
        anomaly_coefficient::double as anomaly_coefficient,
        {{ var('anomaly_tail_from') }}::double as anomaly_tail_from,
        {{ var('anomaly_tail_full') }}::double as anomaly_tail_full
    from settings
)

select * from final
