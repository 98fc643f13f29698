{# Aggregate: the names of the columns that have no value in any row; null where each has one. #}
{% macro columns_without_a_value(columns) -%}
    nullif(concat_ws(', '
        {%- for column in columns -%}
            , case when count({{ column }}) = 0 then '{{ column }}' end
        {%- endfor -%}
    ), '')
{%- endmacro %}
