{# Expression: the column's latest value that is not null, among the rows of a window. #}
{% macro last_known(column, window) %}{{ adapter.dispatch('last_known')(column, window) }}{% endmacro %}

{% macro default__last_known(column, window) -%}
    last_value({{ column }} ignore nulls) over {{ window }}
{%- endmacro %}
