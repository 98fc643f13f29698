{# Expression: how many numbers of a list are below a value, which may be no subquery. #}
{% macro count_below(list, value) %}{{ adapter.dispatch('count_below')(list, value) }}{% endmacro %}

{% macro default__count_below(list, value) -%}
    len(list_filter({{ list }}, lambda each: each < {{ value }}))
{%- endmacro %}
