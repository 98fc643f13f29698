{#
    Expression: by how many of the card's standard deviations an amount is above its baseline. A
    hundredth of the mean is added, for cards that always pay the same.
#}
{% macro deviation_from_baseline(amount) -%}
    (
        ({{ amount }} - card_baseline_amount_mean)
        / (card_baseline_amount_std + 0.01 * card_baseline_amount_mean)
    )
{%- endmacro %}
