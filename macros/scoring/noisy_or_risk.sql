{# Expression: the chance that at least one of three risks is right if they are wrong independently;
   a missing one adds nothing. #}
{% macro noisy_or_risk(rules, tree, anomaly) -%}
    1 - (1 - {{ rules }}) * (1 - coalesce({{ tree }}, 0)) * (1 - coalesce({{ anomaly }}, 0))
{%- endmacro %}
