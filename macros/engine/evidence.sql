{# Expression: a JSON object of the named columns, as text: what a rule saw. #}
{% macro evidence(columns) %}{{ adapter.dispatch('evidence')(columns) }}{% endmacro %}

{% macro default__evidence(columns) -%}
    json_object({% for column in columns %}'{{ column }}', {{ column }}{% if not loop.last %}, {% endif %}{% endfor %})::varchar
{%- endmacro %}
