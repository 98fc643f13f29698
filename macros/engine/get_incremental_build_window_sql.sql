{#
    Incremental strategy build_window: replaces the days of build_window, the model's unique_key
    being its day. delete+insert only deletes the days that the new rows have: a day whose last row
    was sent again with another date would keep it.
#}
{% macro get_incremental_build_window_sql(arg_dict, since='built_from') -%}
    {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
    delete from {{ arg_dict['target_relation'] }}
    where
        {{ arg_dict['unique_key'] }} >= (select {{ since }} from {{ ref('build_window') }})
        and {{ arg_dict['unique_key'] }} <= (select cleared_until from {{ ref('build_window') }});

    -- of days before all that landed, a file that was taken back may have left rows
    delete from {{ arg_dict['target_relation'] }}
    where {{ arg_dict['unique_key'] }} < (select first_day from {{ ref('build_window') }});

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{%- endmacro %}
