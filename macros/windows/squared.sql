{#
    Expression: the square of an exact amount, exact. Of decimals of 18 digits and less the product
    would have 18 again, which is too short from an amount of ten million on.
#}
{% macro squared(amount) -%}
    {{ amount }}::decimal(19, 2) * {{ amount }}::decimal(19, 2)
{%- endmacro %}
