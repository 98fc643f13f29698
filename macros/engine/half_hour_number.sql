{# Expression: half hours since 1970-01-01 as an integer. #}
{% macro half_hour_number(moment) %}{{ adapter.dispatch('half_hour_number')(moment) }}{% endmacro %}

{% macro default__half_hour_number(moment) -%}
    (epoch_us({{ moment }}) // 1800000000)
{%- endmacro %}
