{{ config(unique_key='covered_on') }}
-- Grain: one row per rule and day: on how many of the day's subjects the rule could be evaluated.
-- Where a feed or column that a rule needs is absent, the rule is "not evaluated", which is not the
-- same as "no hit".
with

claims as (
    select
        *,
        submitted_on as covered_on
    from {{ ref('feat_claim') }}
    where {{ in_build_window('submitted_on') }}
),

purchases as (
    select
        *,
        transaction_date as covered_on
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        and {{ in_build_window('transaction_date') }}
),

evaluated as (
    {% for node in rule_entries() if node.name in active_rules() %}
        select
            '{{ node.config.meta.rule_id }}' as rule_id,
            covered_on,
            count(*) as subject_count,
            count(*) filter (
                where {{ node.config.meta.needs | join(' is not null and ') }} is not null
            ) as evaluated_count
        from {{ 'claims' if "'claim' as subject_type" in node.raw_code else 'purchases' }}
        group by covered_on
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
