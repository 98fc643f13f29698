{#
    Expression: is this day, or moment, part of the days that this run builds?
    Everything on a full refresh; otherwise the days of build_window from `since` on, less
    `lookback` days of history that window functions need to see. `since` is built_from for what is
    computed about a transaction, and changed_from for facts and daily state.
#}
{% macro in_build_window(day_column, lookback=0, since='built_from') -%}
    {%- if is_incremental() -%}
        {{ day_column }} >= (select {{ since }} - {{ lookback }} from {{ ref('build_window') }})
        and {{ day_column }} < (select built_until + 1 from {{ ref('build_window') }})
    {%- else -%}
        {{ day_column }} < (select built_until + 1 from {{ ref('build_window') }})
    {%- endif -%}
{%- endmacro %}
