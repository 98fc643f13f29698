{#
    Hooks around a model whose statement is so large that planning it well costs more than it brings.

    join_as_written: many wide tables are joined to one row a transaction. The joins stay as they are
    written, so that the growing row streams past the tables it looks up. By its estimates of sizes
    DuckDB would rather gather that row in hash tables, or join the tables with each other first.

    union_as_written: many queries are put together. Looking for parts that they share, and carrying
    statistics through all of them, takes time that grows with the square of their number.
#}
{% macro join_as_written() %}{{ adapter.dispatch('join_as_written')() }}{% endmacro %}
{% macro union_as_written() %}{{ adapter.dispatch('union_as_written')() }}{% endmacro %}
{% macro as_planned() %}{{ adapter.dispatch('as_planned')() }}{% endmacro %}

{% macro default__join_as_written() %}{% endmacro %}
{% macro default__union_as_written() %}{% endmacro %}
{% macro default__as_planned() %}{% endmacro %}

{% macro duckdb__join_as_written() -%}
    set disabled_optimizers = 'join_order,build_side_probe_side'
{%- endmacro %}

{% macro duckdb__union_as_written() -%}
    set disabled_optimizers = 'common_subplan,statistics_propagation'
{%- endmacro %}

{% macro duckdb__as_planned() -%}
    reset disabled_optimizers
{%- endmacro %}
