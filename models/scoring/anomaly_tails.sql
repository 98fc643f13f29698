{{ config(materialized='view') }}
-- Grain: one row per purchase: how odd each unsupervised detector finds it, on one scale: -log10
-- of the share of reference purchases at least as odd. The anomaly score is their mean, which
-- found the most misuse of the combinations that were measured (docs/algorithms.md).
{%- set names = var('anomaly_detectors') %}
with

final as (
    select
        {{ names[0] }}.transaction_id,
        {{ names[0] }}.transaction_date,
        {%- for name in names %}
            {{ name }}.tail as {{ name }}_tail,
        {%- endfor %}
        (
            {%- for name in names %}
                coalesce({{ name }}.tail, 0){{ ' +' if not loop.last }}
            {%- endfor %}
        ) / nullif(
            {%- for name in names %}
                ({{ name }}.tail is not null)::integer{{ ' +' if not loop.last }}
            {%- endfor %}, 0
        ) as anomaly_score,
        {%- for name in names %}
            {{ name }}.reasons is not null{{ ' or' if not loop.last }}
        {%- endfor %}
            as is_anomaly_explained,
        nullif(
            concat_ws(
                ','{% for name in names %}, {{ name }}.version{% endfor %}  -- noqa: LT05
            ), ''
        ) as anomaly_versions
    from
        {{ ref('anomaly_scores') }} as {{ names[0] }}
        {%- for name in names[1:] %}
        left outer join {{ ref('anomaly_scores') }} as {{ name }}
            on
                {{ names[0] }}.transaction_date = {{ name }}.transaction_date
                and {{ names[0] }}.transaction_id = {{ name }}.transaction_id
                and {{ name }}.detector = '{{ name }}'
            {%- endfor %}
    where {{ names[0] }}.detector = '{{ names[0] }}'
)

select * from final
