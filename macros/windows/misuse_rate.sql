{#
    Expression: share of decided cases that were misuse, smoothed towards the prior rate so that
    one decision about a rarely seen merchant does not say "100 %".
    (misuse + weight * prior) / (decided + weight); an empty window gives the prior.
#}
{% macro misuse_rate(misuse_count, decided_count) -%}
    (
        (coalesce({{ misuse_count }}, 0) + {{ var('prior_misuse_weight') * var('prior_misuse_rate') }})
        / (coalesce({{ decided_count }}, 0) + {{ var('prior_misuse_weight') }})
    )::double
{%- endmacro %}
