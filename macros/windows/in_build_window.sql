{#
    Expression: is this day part of the days that this run builds?
    Everything on a full refresh; otherwise the days of int_build_window, less `lookback` days of
    history that window functions need to see.
#}
{% macro in_build_window(day_column, lookback=0) -%}
    {%- if is_incremental() -%}
        {{ day_column }} >= (select built_from - {{ lookback }} from {{ ref('int_build_window') }})
        and {{ day_column }} <= (select built_until from {{ ref('int_build_window') }})
    {%- else -%}
        {{ day_column }} <= (select built_until from {{ ref('int_build_window') }})
    {%- endif -%}
{%- endmacro %}
