{# Expression: whether a threshold is beyond a reach, "from 2", "to 30" or "from 2 to 4"; false where
   there is none. #}
{% macro is_beyond_reach(threshold, reach) -%}
    coalesce({{ threshold }} < {{ reach_end(reach, 'from') }}, false)
    or coalesce({{ threshold }} > {{ reach_end(reach, 'to') }}, false)
{%- endmacro %}

{# Expression: an end of a reach, as a double; null where it does not have that end. #}
{% macro reach_end(reach, end) -%}
    try_cast(split_part(split_part({{ reach }}, '{{ end }} ', 2), ' ', 1) as double)
{%- endmacro %}
