{# Incremental strategy changed_days: the same for facts and daily state, which reach further back. #}
{% macro get_incremental_changed_days_sql(arg_dict) -%}
    {{ get_incremental_build_window_sql(arg_dict, since='changed_from') }}
{%- endmacro %}
