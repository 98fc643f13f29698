{# Expression: the log-odds of a probability, which is kept a millionth away from 0 and from 1; null
   for null, which least and greatest would pass over. #}
{% macro log_odds(probability) -%}
    case
        when {{ probability }} is not null
            then
                ln(
                    least(greatest({{ probability }}, 0.000001), 0.999999)
                    / (1 - least(greatest({{ probability }}, 0.000001), 0.999999))
                )
    end
{%- endmacro %}
