{# Expression: days since 1970-01-01 as an integer, for window frames over days. #}
{% macro day_number(day) %}{{ adapter.dispatch('day_number')(day) }}{% endmacro %}

{% macro default__day_number(day) -%}
    ({{ day }} - date '1970-01-01')
{%- endmacro %}
