{# Expression: day of the week, 1 on Monday to 7 on Sunday. #}
{% macro iso_weekday(day) %}{{ adapter.dispatch('iso_weekday')(day) }}{% endmacro %}

{% macro default__iso_weekday(day) -%}
    extract('isodow' from {{ day }})
{%- endmacro %}
