{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase: what rules, tree and unsupervised detectors say of it, from which
-- the risk is made, and the risk that they give by noisy-or. Noisy-or: 1 - (1 - rules) (1 - tree)
-- (1 - anomaly), the chance that at least one of them is right if they are wrong independently.
-- Rules of one typology share their cause and count once, with the strongest. A part that could
-- not be computed (no model yet, no labels) adds nothing and is null in its own column.
with

purchases as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        card_id,
        merchant_id,
        -- money again, which the vector has as a double
        amount::decimal(18, 4) as amount,
        currency
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        and {{ in_build_window('transaction_date') }}
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
        coalesce(rules.rule_hit_count, 0) as rule_hit_count,
        coalesce(rules.is_mandatory, false) as is_mandatory,
        coalesce(rules.rule_risk, 0) as rule_risk,
        tree.probability as tree_probability,
        {%- for detector in var('anomaly_detectors') %}
            anomaly_tails.{{ detector }}_tail,
        {%- endfor %}
        anomaly_tails.anomaly_score,
        tree.reasons is not null as is_tree_explained,
        coalesce(anomaly_tails.is_anomaly_explained, false) as is_anomaly_explained,
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

weighed as (
    select
        joined.*,
        noisy_or.version as noisy_or_version,
        noisy_or.tree_coefficient * joined.tree_probability as noisy_or_tree_risk,
        noisy_or.anomaly_coefficient
        * {{ anomaly_share(
            'joined.anomaly_score', 'noisy_or.anomaly_tail_from', 'noisy_or.anomaly_tail_full'
        ) }} as noisy_or_anomaly_risk
    from joined
    cross join {{ ref('noisy_or') }} as noisy_or
),

final as (
    select
        *,
        {{ noisy_or_risk('rule_risk', 'noisy_or_tree_risk', 'noisy_or_anomaly_risk') }}
            as noisy_or_risk
    from weighed
)

select * from final  -- noqa: AM04
