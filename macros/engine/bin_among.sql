{# Expression: the bin of a value among a list of edges: how many of them it exceeds; -1 for null. Edges
   that are equal to each other leave the bins between them empty. #}
{% macro bin_among(value, edges) %}{{ adapter.dispatch('bin_among')(value, edges) }}{% endmacro %}

{% macro default__bin_among(value, edges) -%}
    case
        when {{ value }} is null then -1
        else coalesce({{ count_below(edges, value) }}, 0)
    end
{%- endmacro %}
