-- Grain: one row per purchase: what the tree sees of it. Beside the features: the weight of the
-- strongest rule of each typology that fired, and how odd each unsupervised detector finds it.
-- Every detector's version had learned from earlier purchases only, so its tails are out of fold.
{%- set typologies = [
    'card_behaviour', 'cash_like', 'claims', 'limit_evasion', 'merchant', 'time_place'
] %}
with

rules as (
    select
        rule_hits.occurred_on,
        rule_hits.transaction_id,
    {%- for typology in typologies %}
        max(rule_catalog.severity_weight) filter (
            where rule_catalog.typology = '{{ typology }}'
        ) as rule_severity_{{ typology }}{{ ',' if not loop.last }}
    {%- endfor %}
    from {{ ref('rule_hits') }} as rule_hits
    inner join {{ ref('rule_catalog') }} as rule_catalog
        on rule_hits.rule_id = rule_catalog.rule_id
    where rule_hits.subject_type = 'transaction'
    group by rule_hits.occurred_on, rule_hits.transaction_id
),

final as (
    select
        detector_inputs.*,
        {%- for typology in typologies %}
            coalesce(rules.rule_severity_{{ typology }}, 0)::double
                as rule_severity_{{ typology }},
        {%- endfor %}
    {%- for detector in var('anomaly_detectors') %}
        anomaly_tails.{{ detector }}_tail{{ ',' if not loop.last }}
    {%- endfor %}
    from {{ ref('detector_inputs') }} as detector_inputs
    left outer join rules
        on
            detector_inputs.transaction_date = rules.occurred_on
            and detector_inputs.transaction_id = rules.transaction_id
    left outer join {{ ref('anomaly_tails') }} as anomaly_tails
        on
            detector_inputs.transaction_date = anomaly_tails.transaction_date
            and detector_inputs.transaction_id = anomaly_tails.transaction_id
)

select * from final  -- noqa: AM04
