{# Expression: a quantile of a column, interpolated, among the rows of a window. #}
{% macro windowed_quantile(column, fraction, window) -%}
    {{ adapter.dispatch('windowed_quantile')(column, fraction, window) }}
{%- endmacro %}

{% macro default__windowed_quantile(column, fraction, window) -%}
    quantile_cont({{ column }}::double, {{ fraction }}) over {{ window }}
{%- endmacro %}
