{# Expression: is this day, or moment, one whose facts and daily state this run builds? #}
{% macro in_changed_days(day_column, lookback=0) -%}
    {{ in_build_window(day_column, lookback, since='changed_from') }}
{%- endmacro %}
