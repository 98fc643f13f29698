{#
    Expression: by how many standard deviations the spending of the last 7 days (amount_sum_7d) is
    above the mean week of the days 8 to 90 before (earlier_amount_sum, earlier_amount_square_sum of
    its daily sums, over earlier_days). Days without spending count as days of 0. A tenth of the mean
    week is the least standard deviation, for who spends the same every day. Null before there are
    four weeks and five purchases (earlier_txn_count).
#}
{% macro amount_shift() -%}
    case
        when earlier_days >= 28 and earlier_txn_count >= 5
            then
                (
                    coalesce(amount_sum_7d, 0)::double
                    - 7 * earlier_amount_sum::double / earlier_days
                )
                / greatest(
                    sqrt(7) * {{ standard_deviation(
                        'earlier_days', 'earlier_amount_sum', 'earlier_amount_square_sum'
                    ) }},
                    0.7 * earlier_amount_sum::double / earlier_days
                )
    end
{%- endmacro %}
