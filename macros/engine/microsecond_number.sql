{# Expression: microseconds since 1970-01-01 as an integer, for window frames within days. Frames over
   an integer take DuckDB half the time of frames over a timestamp. #}
{% macro microsecond_number(moment) %}{{ adapter.dispatch('microsecond_number')(moment) }}{% endmacro %}

{% macro default__microsecond_number(moment) -%}
    epoch_us({{ moment }})
{%- endmacro %}
