{{ config(unique_key='covered_on') }}
-- Grain: one row per rule and day: on how many of the day's subjects the rule could be evaluated.
-- Where a feed or column that a rule needs is absent, the rule is "not evaluated", which is not the
-- same as "no hit".
with

evaluated as (
    {% for node in rule_entries() %}
        {%- set is_claim_rule = node.config.meta.typology == 'claims' %}
        select
            '{{ node.config.meta.rule_id }}' as rule_id,
            {% if is_claim_rule %}submitted_on{% else %}transaction_date{% endif %} as covered_on,
            count(*) as subject_count,
            count(*) filter (
                where {% for column in node.config.meta.needs %}
                    {{ column }} is not null{% if not loop.last %} and{% endif %}
                {% endfor %}
            ) as evaluated_count
        from {% if is_claim_rule %}{{ ref('int_claims') }}{% else %}{{ ref('feat_transaction') }}{% endif %}
        where {% if is_claim_rule %}{{ in_build_window('submitted_on') }}{% else %}is_purchase
            and {{ in_build_window('transaction_date') }}{% endif %}
        group by all
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (
    select
        rule_id,
        covered_on,
        subject_count,
        evaluated_count
    from evaluated
)

select * from final
