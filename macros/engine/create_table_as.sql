{#
    Before a model is built, the days of build_window are put into its SQL as dates. DuckDB passes
    by the parts of a table that lie outside constants even through views and joins, but not those
    outside what a subquery finds: 66 rules would each read all history every day. The compiled SQL
    keeps the subqueries.
#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none
) -%}
    {%- if language == 'sql' -%}
        {%- set compiled_code = days_as_constants(compiled_code) -%}
    {%- endif -%}
    {{ return(dbt.duckdb__create_table_as(
        temporary, relation, compiled_code, language, partitioned_by, sorted_by
    )) }}
{%- endmacro %}

{% macro days_as_constants(sql) -%}
    {%- set subquery = modules.re.compile(
        '\\(select (built_from|changed_from|built_until)( [-+] [0-9]+)? from ([^ ()]*\\."?build_window"?)\\)'
    ) -%}
    {%- set build = namespace(sql=sql) -%}
    {%- set found = subquery.findall(sql) -%}
    {%- if found -%}
        {%- set window = run_query('select * from ' ~ found[0][2]).rows[0] -%}
        {%- for day, offset, relation in found | unique if window[day] is not none -%}
            {%- set build.sql = build.sql | replace(
                '(select ' ~ day ~ offset ~ ' from ' ~ relation ~ ')',
                "(date '" ~ window[day] ~ "'" ~ offset ~ ')'
            ) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(build.sql) }}
{%- endmacro %}
