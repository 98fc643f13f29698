{# A mart's relation has the published name. Its file begins with `mart_` because dbt knows every
   name once, and the model that the mart shows often has the name already. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {{ (custom_alias_name or node.name.removeprefix('mart_')) | trim }}
{%- endmacro %}
