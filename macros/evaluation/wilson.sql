{# Expression: an end of Wilson's interval of 95 % for a share seen among so many; `side` is -1 for
   the lower and 1 for the upper end. 1.959964 is the normal quantile of 95 %. #}
{% macro wilson(share, number, side) -%}
    (
        {{ share }} + 1.959964 * 1.959964 / {{ number }} / 2
        + {{ side }} * sqrt(
            1.959964 * 1.959964 / {{ number }}
            * ({{ share }} * (1 - {{ share }}) + 1.959964 * 1.959964 / {{ number }} / 4)
        )
    ) / (1 + 1.959964 * 1.959964 / {{ number }})
{%- endmacro %}
