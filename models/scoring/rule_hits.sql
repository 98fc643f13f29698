{{ config(unique_key='occurred_on') }}
-- Grain: one row per rule and subject it fires on, over all active rules (shadow rules included).
with

hits as (
    {% for rule in active_rules() %}
        select * from {{ ref(rule) }}
        where {{ in_build_window('occurred_at') }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (
    select
        hits.rule_id,
        rule_catalog.rule_version,
        hits.subject_type,
        hits.subject_id,
        hits.transaction_id,
        hits.occurred_at,
        hits.occurred_at::date as occurred_on,
        hits.observed_value,
        hits.threshold_value,
        hits.evidence
    from hits
    inner join {{ ref('rule_catalog') }} as rule_catalog on hits.rule_id = rule_catalog.rule_id
    order by hits.occurred_at, hits.rule_id, hits.subject_id
)

select * from final
