{# Expression: hours from one timestamp to a later one, as a double. #}
{% macro hours_between(start, end) %}{{ adapter.dispatch('hours_between')(start, end) }}{% endmacro %}

{% macro default__hours_between(start, end) -%}
    ((epoch_us({{ end }}) - epoch_us({{ start }})) / 3600000000.0)
{%- endmacro %}
