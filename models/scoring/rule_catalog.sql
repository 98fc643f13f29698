{{ config(materialized='table', contract={'enforced': true}) }}
-- Grain: one row per rule, retired ones included, from its yml entry. A rule's version changes with
-- its SQL or its thresholds, and with nothing else. It is written after the views of all rules: a
-- rule that cannot be built is not yet the rule.
{% for rule in active_rules() %}
    {%- do ref(rule) -%}
{% endfor %}
with

entries as (
    {% for node in rule_entries() %}
        {%- set meta = node.config.meta %}
        select
            '{{ meta.rule_id }}' as rule_id,
            '{{ node.name }}' as model_name,
            '{{ meta.typology }}' as typology,
            '{{ meta.title_en | replace("'", "''") }}' as title_en,
            '{{ meta.title_ko | replace("'", "''") }}' as title_ko,
            '{{ meta.explanation_en | replace("'", "''") }}' as explanation_en,
            '{{ meta.explanation_ko | replace("'", "''") }}' as explanation_ko,
            '{{ meta.what_to_do_en | replace("'", "''") }}' as what_to_do_en,
            '{{ meta.what_to_do_ko | replace("'", "''") }}' as what_to_do_ko,
            '{{ node.description | replace("'", "''") | trim }}' as description_en,
            '{{ (meta.description_ko or '') | replace("'", "''") | trim }}' as description_ko,
            '{{ meta.unit }}' as unit,
            '{{ meta.severity }}' as severity,
            '{{ meta.kind }}' as kind,
            '{{ meta.stage }}' as stage,
            '{{ meta.owner | replace("'", "''") }}' as owner,
            '{{ meta.policy_clause | replace("'", "''") }}' as policy_clause,
            date '{{ meta.review_by }}' as review_by,
            '{{ meta.needs | join(",") }}' as needs,
            '{{ node.checksum.checksum }}' as checksum
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

thresholds as (
    select
        thresholds.rule_id,
        string_agg(
            thresholds.parameter || '=' || thresholds.threshold, ';' order by thresholds.parameter
        ) as thresholds,
        -- the unit of an amount is its currency
        bool_or(thresholds.unit = upper(thresholds.unit)) as compares_amounts,
        max(thresholds.unit) filter (
            where thresholds.unit = upper(thresholds.unit)
            and thresholds.unit <> company.currency
        ) as foreign_currency
    from {{ ref('rule_thresholds') }} as thresholds
    cross join {{ ref('company') }} as company
    group by thresholds.rule_id
),

final as (
    select
        entries.rule_id,
        substr(md5(entries.checksum || coalesce(thresholds.thresholds, '')), 1, 8) as rule_version,
        entries.model_name,
        entries.typology,
        entries.title_en,
        entries.title_ko,
        entries.explanation_en,
        entries.explanation_ko,
        entries.what_to_do_en,
        entries.what_to_do_ko,
        entries.description_en,
        entries.description_ko,
        entries.unit,
        entries.severity,
        risk_weights.weight as severity_weight,
        entries.kind,
        entries.stage,
        entries.owner,
        entries.policy_clause,
        entries.review_by,
        entries.needs,
        thresholds.thresholds,
        coalesce(thresholds.compares_amounts, false) as compares_amounts,
        thresholds.foreign_currency
    from entries
    left outer join thresholds on entries.rule_id = thresholds.rule_id
    left outer join {{ ref('risk_weights') }} as risk_weights
        on risk_weights.component = 'severity_' || entries.severity
)

select * from final
