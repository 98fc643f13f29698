{#
    Expression: a rule's threshold from the seed rule_thresholds. A backtest overrides it with the
    variable threshold_overrides: {'limit_evasion_001.minimum_purchases': 3}.
    A threshold that is missing or given twice stops the query with a sentence: without that, the
    comparison with null would silently find nothing.
#}
{% macro rule_threshold(rule_id, parameter) -%}
    {%- set overrides = var('threshold_overrides', {}) -%}
    {%- set name = rule_id ~ '.' ~ parameter -%}
    {%- if name in overrides -%}
        {{ overrides[name] | float }}
    {%- else -%}
        (
            select
                case
                    when count(*) = 1 and count(threshold) = 1 then max(threshold)
                    else
                        error(
                            'seeds/rule_thresholds.csv must have exactly one row with a value for rule '
                            || '{{ rule_id }}, parameter {{ parameter }}, but has ' || count(threshold)
                        )
                end
            from {{ ref('rule_thresholds') }}
            where rule_id = '{{ rule_id }}' and parameter = '{{ parameter }}'
        )
    {%- endif -%}
{%- endmacro %}
