{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase: one risk from rules, tree and unsupervised detectors.
-- Noisy-or: 1 - (1 - rules) (1 - tree) (1 - anomaly), the chance that at least one of them is right
-- if they are wrong independently. Rules of one typology share their cause and count once, with the
-- strongest. Weights are prior precisions from the seed risk_weights. A part that could not be
-- computed (no model yet, no labels) adds nothing and is null in its own column.
with

purchases as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        card_id,
        merchant_id,
        amount,
        currency
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        and {{ in_build_window('transaction_date') }}
),

weights as (
    select
        max(weight) filter (where component = 'anomaly') as anomaly_weight,
        max(weight) filter (where component = 'tree') as tree_weight
    from {{ ref('risk_weights') }}
),

strongest_hits as (
    select
        rule_hits.transaction_id,
        rule_catalog.typology,
        max(rule_catalog.severity_weight) as severity_weight,
        bool_or(rule_catalog.kind = 'mandatory') as is_mandatory,
        count(*) as hit_count
    from {{ ref('rule_hits') }} as rule_hits
    inner join {{ ref('rule_catalog') }} as rule_catalog
        on rule_hits.rule_id = rule_catalog.rule_id
    where
        rule_catalog.stage = 'live'
        and not rule_hits.is_suppressed
        and rule_hits.subject_type = 'transaction'
        and {{ in_build_window('rule_hits.occurred_on') }}
    group by rule_hits.transaction_id, rule_catalog.typology
),

rules as (
    select
        transaction_id,
        1 - exp(sum(ln(1 - severity_weight) order by typology)) as rule_risk,
        bool_or(is_mandatory) as is_mandatory,
        sum(hit_count)::integer as rule_hit_count
    from strongest_hits
    group by transaction_id
),

joined as (
    select
        purchases.*,
        coalesce(rules.rule_risk, 0) as rule_risk,
        coalesce(rules.is_mandatory, false) as is_mandatory,
        coalesce(rules.rule_hit_count, 0) as rule_hit_count,
        tree.probability as tree_probability,
        {%- for detector in var('anomaly_detectors') %}
            anomaly_tails.{{ detector }}_tail,
        {%- endfor %}
        anomaly_tails.anomaly_score,
        tree.reasons is not null as is_tree_explained,
        anomaly_tails.is_anomaly_explained,
        tree.version as tree_version,
        anomaly_tails.anomaly_versions
    from purchases
    left outer join rules on purchases.transaction_id = rules.transaction_id
    left outer join {{ ref('score_gradient_boosted_tree') }} as tree
        on
            purchases.transaction_date = tree.transaction_date
            and purchases.transaction_id = tree.transaction_id
    left outer join {{ ref('anomaly_tails') }} as anomaly_tails
        on
            purchases.transaction_date = anomaly_tails.transaction_date
            and purchases.transaction_id = anomaly_tails.transaction_id
),

parts as (
    select
        joined.*,
        weights.anomaly_weight
        * least(
            greatest(
                (joined.anomaly_score - {{ var('anomaly_tail_from') }})
                / ({{ var('anomaly_tail_full') }} - {{ var('anomaly_tail_from') }}),
                0
            ),
            1
        ) as anomaly_risk,
        weights.tree_weight * joined.tree_probability as tree_risk
    from joined
    cross join weights
),

combined as (
    select
        *,
        1 - (1 - rule_risk) * (1 - coalesce(tree_risk, 0)) * (1 - coalesce(anomaly_risk, 0))
            as risk,
        rule_hit_count > 0
        or (is_tree_explained and tree_risk > 0)
        or coalesce(is_anomaly_explained and anomaly_risk > 0, false) as is_explained
    from parts
),

final as (
    select
        combined.transaction_id,
        combined.transaction_date,
        combined.authorized_at,
        combined.card_id,
        combined.merchant_id,
        combined.amount,
        combined.currency,
        combined.rule_hit_count,
        combined.is_mandatory,
        combined.rule_risk,
        combined.tree_probability,
        combined.tree_risk,
        {%- for detector in var('anomaly_detectors') %}
            combined.{{ detector }}_tail,
        {%- endfor %}
        combined.anomaly_score,
        combined.anomaly_risk,
        combined.risk,
        combined.is_explained,
        -- what a review is worth: recovered money, less the reviewer's and the cardholder's time
        combined.risk * currencies.recovery_rate * combined.amount
        - currencies.review_cost
        - (1 - combined.risk) * currencies.annoyance_cost as expected_value,
        combined.tree_version,
        combined.anomaly_versions
    from combined
    inner join {{ ref('currencies') }} as currencies on combined.currency = currencies.currency
)

select * from final
