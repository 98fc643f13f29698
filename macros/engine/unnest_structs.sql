{# Select list item: one row per struct of a list, its fields as columns. #}
{% macro unnest_structs(list) %}{{ adapter.dispatch('unnest_structs')(list) }}{% endmacro %}

{% macro default__unnest_structs(list) -%}
    unnest({{ list }}, recursive := true)
{%- endmacro %}
