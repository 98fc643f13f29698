{# Expression: how far an anomaly score is on the way from where it begins to count to where it
   counts fully, 0 to 1; null for null. #}
{% macro anomaly_share(score, tail_from, tail_full) -%}
    case
        when {{ score }} is not null
            then
                least(
                    greatest(
                        ({{ score }} - {{ tail_from }}) / ({{ tail_full }} - {{ tail_from }}), 0
                    ),
                    1
                )
    end
{%- endmacro %}
