{#
    Materialization day_by_day: a table that is built anew one day after the other, because a day
    depends on how the days before it ended. The model's SQL is about one day, walked_day(), and may
    read what it gave for earlier days from {{ this }}. The days are the review_dates of the model
    that the config days_from names.
#}
{% materialization day_by_day, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set days -%}
        select distinct review_date from {{ ref(config.require('days_from')) }} order by review_date
    {%- endset -%}
    {%- set days = run_query(days).columns[0].values() -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        create or replace table {{ target_relation }} {{ get_table_columns_and_constraints() }}
    {%- endcall %}
    {%- set columns = get_quoted_csv(model.columns.values() | map(attribute='name')) -%}
    {#- a day is few rows and many operators: a second thread would cost more than it brings -#}
    {%- set threads = run_query("select current_setting('threads')").columns[0].values()[0] -%}
    {% do run_query('set threads = 1') %}
    {% for day in days %}
        {% call statement('day') -%}
            set variable walked_day = date '{{ day }}';
            insert into {{ target_relation }} ({{ columns }})
            select {{ columns }} from (
            {{ compiled_code }}
            )
        {%- endcall %}
    {% endfor %}
    {% do run_query('set threads = ' ~ threads) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{# The day that a day_by_day model is about. #}
{% macro walked_day() -%}
    getvariable('walked_day')::date
{%- endmacro %}
