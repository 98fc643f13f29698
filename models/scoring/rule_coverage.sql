{{ config(unique_key='covered_on') }}
-- Grain: one row per rule and day: on how many of the day's subjects the rule could be evaluated.
-- Where a feed or column that a rule needs is absent, or an amount has no exchange rate, the rule
-- is "not evaluated", which is not the same as "no hit".
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

-- a claim's rule has a row on every day, so that a feed which was never sent is seen as absent
days as (
    select covered_on from purchases
    union distinct
    select covered_on from claims
),

first_claims as (
    select min(submitted_at)::date as first_claim_on from {{ ref('stg_expense_claims') }}
),

claim_days as (
    select
        days.covered_on,
        claims.* exclude (covered_on),  -- noqa: RF02
        coalesce(first_claims.first_claim_on > days.covered_on, true) as is_feed_absent
    from days
    cross join first_claims
    left outer join claims on days.covered_on = claims.covered_on
),

evaluated as (
    {% for node in rule_entries() if node.name in active_rules() %}
        {%- set is_of_claims = "'claim' as subject_type" in node.raw_code %}
        select
            '{{ node.config.meta.rule_id }}' as rule_id,
            covered_on,
            count({{ 'claim_id' if is_of_claims else 'transaction_id' }}) as subject_count,
            count(*) filter (
                where {{ node.config.meta.needs | join(' is not null and ') }} is not null
            ) as evaluated_count,
            count(*) filter (
                where {{ (['amount'] + node.config.meta.needs) | join(' is not null and ') }}
                is not null
            ) as priced_count,
            {% if is_of_claims %}
                case
                    when bool_and(is_feed_absent) then 'expense_claims'
                    when count(claim_id) > 0
                        then {{ columns_without_a_value(node.config.meta.needs) }}
                end as absent
            {% else %}
                {{ columns_without_a_value(node.config.meta.needs) }} as absent
            {% endif %}
        from {{ 'claim_days' if is_of_claims else 'purchases' }}
        group by covered_on
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

final as (
    select
        evaluated.rule_id,
        evaluated.covered_on,
        evaluated.subject_count,
        case
            when rule_catalog.foreign_currency is not null then 0
            when rule_catalog.compares_amounts then evaluated.priced_count
            else evaluated.evaluated_count
        end as evaluated_count,
        case
            when rule_catalog.foreign_currency is not null
                then 'thresholds in the company''s currency'
            else evaluated.absent
        end as absent
    from evaluated
    inner join {{ ref('rule_catalog') }} as rule_catalog on evaluated.rule_id = rule_catalog.rule_id
)

select * from final
