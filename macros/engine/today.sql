{# Expression: the day on which the run began, by this machine's clock. #}
{% macro today() -%}
    {{ adapter.dispatch('today')() }}
{%- endmacro %}

{% macro default__today() -%}
    date '{{ run_started_at.astimezone().date() }}'
{%- endmacro %}
