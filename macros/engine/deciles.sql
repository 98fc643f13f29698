{# Expression: the nine deciles of a column as a list, each of them a value that occurs. #}
{% macro deciles(column) %}{{ adapter.dispatch('deciles')(column) }}{% endmacro %}

{% macro default__deciles(column) -%}
    quantile_disc({{ column }}, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
{%- endmacro %}
