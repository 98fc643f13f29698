{#
    Expression: standard deviation from a count, a sum and a sum of squares (population formula);
    null below five values, where it says nothing.
#}
{% macro standard_deviation(count, total, square_total) -%}
    case
        when {{ count }} >= 5
            then
                sqrt(
                    greatest(
                        {{ square_total }}::double / {{ count }}
                        - ({{ total }}::double / {{ count }}) * ({{ total }}::double / {{ count }}),
                        0
                    )
                )
    end
{%- endmacro %}
