{#
    Hooks around a model that joins many wide tables to one row a transaction: the joins stay as they
    are written, so that the growing row streams past the tables it looks up. By its estimates of
    sizes DuckDB would rather gather that row in hash tables, or join the tables with each other first.
#}
{% macro join_as_written() %}{{ adapter.dispatch('join_as_written')() }}{% endmacro %}
{% macro join_as_planned() %}{{ adapter.dispatch('join_as_planned')() }}{% endmacro %}

{% macro default__join_as_written() %}{% endmacro %}
{% macro default__join_as_planned() %}{% endmacro %}

{% macro duckdb__join_as_written() -%}
    set disabled_optimizers = 'join_order,build_side_probe_side'
{%- endmacro %}

{% macro duckdb__join_as_planned() -%}
    reset disabled_optimizers
{%- endmacro %}
