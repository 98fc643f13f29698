{# Table expression: one row per row of a relation and column that is not a key: the keys, the column's
   name as `feature`, and its `value`, null included. #}
{% macro unpivot_columns(relation, keys) -%}
    {{ adapter.dispatch('unpivot_columns')(relation, keys) }}
{%- endmacro %}

{% macro default__unpivot_columns(relation, keys) -%}
    {{ relation }}
    unpivot include nulls (value for feature in (columns(* exclude ({{ keys | join(', ') }}))))
{%- endmacro %}
