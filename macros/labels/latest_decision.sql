{#
    Expression: what orders the decisions on one transaction that are available; the greatest one
    holds. Of two decisions of one moment that is the innocent one.
#}
{% macro latest_decision(relation='') -%}
    {%- set of = relation ~ '.' if relation else '' -%}
    row({{ of }}decided_at, {{ of }}available_at, not {{ of }}misuse)
{%- endmacro %}
