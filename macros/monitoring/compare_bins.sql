{#
    Query: how far two samples lie apart, from a CTE with the key columns, bin, reference_count and
    week_count. Half a row is added to every bin that either of them has, so that an empty one leaves
    the measures finite.

    PSI without drift is (1/n + 1/m) times a chi-squared variable with bins - 1 degrees of freedom;
    psi_threshold is its 95 % quantile, after Wilson and Hilferty but for one degree, where their
    formula is 2 % too low. One bin, or fewer than 50 rows on a side, leave the threshold unknown.
#}
{% macro compare_bins(cells, keys) -%}
    {%- set by_keys = keys | join(', ') -%}
    select
        {{ by_keys }},
        psi,
        case
            when bin_count = 1 or least(week_rows, reference_rows) < 50 then null
            when bin_count = 2 then 3.841459
            else
                (bin_count - 1)
                * power(
                    1 - 2.0 / (9 * (bin_count - 1))
                    + 1.644854 * sqrt(2.0 / (9 * (bin_count - 1))),
                    3
                )
        end * (1.0 / week_rows + 1.0 / reference_rows) as psi_threshold,
        js_distance,
        ks,
        reference_rows,
        week_rows,
        bin_count
    from (
        select
            {{ by_keys }},
            sum((week_share - reference_share) * ln(week_share / reference_share)) as psi,
            -- rounding may leave a trace below zero
            sqrt(
                greatest(
                    sum(
                        week_share * log2(2 * week_share / (week_share + reference_share))
                        + reference_share
                        * log2(2 * reference_share / (week_share + reference_share))
                    ) / 2,
                    0
                )
            ) as js_distance,
            max(gap) as ks,
            max(reference_rows) as reference_rows,
            max(week_rows) as week_rows,
            count(*) as bin_count
        from (
            select
                {{ by_keys }},
                reference_rows,
                week_rows,
                (reference_count + 0.5) / (reference_rows + 0.5 * bin_count) as reference_share,
                (week_count + 0.5) / (week_rows + 0.5 * bin_count) as week_share,
                abs(reference_so_far / reference_rows - week_so_far / week_rows) as gap
            from (
                select
                    {{ by_keys }},
                    reference_count::double as reference_count,
                    week_count::double as week_count,
                    sum(reference_count) over by_keys::double as reference_rows,
                    sum(week_count) over by_keys::double as week_rows,
                    count(*) over by_keys as bin_count,
                    sum(reference_count) over so_far::double as reference_so_far,
                    sum(week_count) over so_far::double as week_so_far
                from {{ cells }}
                window
                    by_keys as (partition by {{ by_keys }}),
                    so_far as (partition by {{ by_keys }} order by bin)
            ) as counted
            where reference_rows > 0 and week_rows > 0
        ) as shared
        group by {{ by_keys }}
    ) as measured
{%- endmacro %}
