-- Grain: one row per alerted subject and reason: each rule it hit, and up to three feature families
-- that moved the models, strongest first.
with

alerted as (
    select
        subject_type,
        subject_id,
        transaction_id
    from {{ ref('alert_queue') }}
    where is_alert
    union all
    select
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id
    from {{ ref('review_probabilities') }}
    where is_audit_draw
    union
    select
        subject_type,
        subject_id,
        transaction_id
    from {{ ref('audit_confirmations') }}
),

-- rules

rule_reasons as (
    select
        alerted.subject_type,
        alerted.subject_id,
        'rule' as kind,
        rule_hits.rule_id as code,
        rule_hits.rule_version as version,
        row_number() over (
            partition by alerted.subject_type, alerted.subject_id
            order by rule_catalog.severity_weight desc, rule_hits.rule_id asc
        ) as place,
        rule_hits.observed_value,
        rule_hits.threshold_value,
        rule_catalog.unit,
        rule_catalog.title_en,
        rule_catalog.title_ko,
        rule_catalog.explanation_en,
        rule_catalog.explanation_ko,
        coalesce(
            case when alerted.subject_type <> 'claim' then transactions.currency end,
            '{{ var("claim_currency") }}'
        ) as currency
    from alerted
    inner join {{ ref('rule_hits') }} as rule_hits
        on
            alerted.subject_type = rule_hits.subject_type
            and alerted.subject_id = rule_hits.subject_id
    inner join {{ ref('rule_catalog') }} as rule_catalog
        on rule_hits.rule_id = rule_catalog.rule_id
    left outer join {{ ref('int_transactions') }} as transactions
        on alerted.transaction_id = transactions.transaction_id
    where
        rule_catalog.stage = 'live'
        and not rule_hits.is_suppressed
),

rule_texts as (
    select
        *,
        {{ format_value('observed_value', 'unit', 'currency', 'en') }} as observed_en,
        {{ format_value('observed_value', 'unit', 'currency', 'ko') }} as observed_ko,
        {{ format_value('threshold_value', 'unit', 'currency', 'en') }} as threshold_en,
        {{ format_value('threshold_value', 'unit', 'currency', 'ko') }} as threshold_ko
    from rule_reasons
),

-- models: each detector's contributions as shares of its own risk, so that they can be added up;
-- what is queued as odd says why even where a stack has learned to give oddness no weight

risks as (
    select risk.*
    from {{ ref('risk') }} as risk
    inner join alerted
        on
            alerted.subject_type = 'transaction'
            and risk.transaction_id = alerted.subject_id
),

contributions as (
    select
        risks.transaction_id,
        risks.tree_risk as detector_risk,
        scores.version,
        {{ unnest_structs('scores.reasons') }}
    from risks
    inner join {{ ref('score_gradient_boosted_tree') }} as scores
        on
            risks.transaction_date = scores.transaction_date
            and risks.transaction_id = scores.transaction_id
    {%- for detector in var('anomaly_detectors') %}
        union all
        select
            risks.transaction_id,
            greatest(risks.anomaly_risk, 1e-6) / {{ var('anomaly_detectors') | length }}
                as detector_risk,
            scores.version,
            {{ unnest_structs('scores.reasons') }}
        from risks
        inner join {{ ref('score_' ~ detector) }} as scores
            on
                risks.transaction_date = scores.transaction_date
                and risks.transaction_id = scores.transaction_id
    {%- endfor %}
),

shares as (
    select
        transaction_id,
        version,
        feature,
        detector_risk * contribution
        / sum(contribution) over (partition by transaction_id, version) as share
    from contributions
    where detector_risk > 0
),

feature_values as (
    select
        transaction_id,
        feature,
        value
    from (
        select * exclude (transaction_date, segment)
        from {{ ref('tree_inputs') }}
        where transaction_id in (select risks.transaction_id from risks)
    ) as inputs
    unpivot include nulls (value for feature in (columns(* exclude (transaction_id))))
),

-- what a rule on the same subject has said already
told_by_rules as (
    select
        rule_reasons.subject_id as transaction_id,
        unnest(string_split(rule_catalog.needs, ',')) as feature
    from rule_reasons
    inner join {{ ref('rule_catalog') }} as rule_catalog on rule_reasons.code = rule_catalog.rule_id
),

by_feature as (
    select
        shares.transaction_id,
        feature_catalog.family,
        shares.feature,
        feature_values.value,
        feature_catalog.unit,
        feature_catalog.label_en,
        feature_catalog.label_ko,
        sum(shares.share) as share,
        string_agg(distinct shares.version, ',' order by shares.version) as version,
        -- oddly low is a reason for the models, but a poor one for a person
        feature_values.value < case feature_catalog.unit
            when 'times' then 1.0
            when 'standard_deviations' then 0.0
        end as is_low
    from shares
    inner join {{ ref('detector_features') }} as feature_catalog
        on shares.feature = feature_catalog.feature
    inner join feature_values
        on
            shares.transaction_id = feature_values.transaction_id
            and shares.feature = feature_values.feature
    left outer join told_by_rules
        on
            shares.transaction_id = told_by_rules.transaction_id
            and shares.feature = told_by_rules.feature
    where
        told_by_rules.feature is null
        -- the sentence begins with the amount, and rules speak for themselves
        and shares.feature <> 'amount'
        and feature_catalog.family <> 'rules'
    group by all
),

by_family as (
    select
        *,
        sum(share) over (partition by transaction_id, family) as family_share,
        row_number() over (
            partition by transaction_id, family
            order by coalesce(is_low, false) asc, share desc, feature asc
        ) as place_in_family
    from by_feature
),

families as (
    select
        *,
        row_number() over (
            partition by transaction_id
            order by coalesce(is_low, false) asc, family_share desc, family asc
        ) as place
    from by_family
    where place_in_family = 1
),

model_texts as (
    select
        families.transaction_id,
        families.feature,
        families.version,
        families.place,
        families.value,
        families.label_en,
        families.label_ko,
        {{ format_value('families.value', 'families.unit', 'risks.currency', 'en') }}
            as value_en,
        {{ format_value('families.value', 'families.unit', 'risks.currency', 'ko') }}
            as value_ko
    from families
    inner join risks on families.transaction_id = risks.transaction_id
    where
        families.place = 1
        or (families.place <= 3 and not coalesce(families.is_low, false))
),

-- what ordinary purchases look like that come closest
neighbours as (
    select
        nearest.transaction_id,
        scores.version,
        unnest(scores.nearest) as neighbour_id,
        generate_subscripts(scores.nearest, 1) as place
    from {{ ref('score_nearest_neighbours') }} as scores
    inner join risks as nearest
        on
            scores.transaction_date = nearest.transaction_date
            and scores.transaction_id = nearest.transaction_id
    where scores.nearest is not null
),

neighbour_texts as (
    select
        neighbours.transaction_id,
        neighbours.version,
        neighbours.place,
        neighbours.neighbour_id,
        strftime(purchases.authorized_at, '%Y-%m-%d') as day_text,
        coalesce(purchases.merchant_name, purchases.merchant_id) as merchant,
        purchases.amount,
        'currency' as unit,
        {{ format_value('purchases.amount', 'unit', 'purchases.currency', 'en') }} as amount_en,
        {{ format_value('purchases.amount', 'unit', 'purchases.currency', 'ko') }} as amount_ko
    from neighbours
    inner join {{ ref('int_transactions') }} as purchases
        on neighbours.neighbour_id = purchases.transaction_id
),

final as (
    select
        subject_type,
        subject_id,
        kind,
        place::integer as place,
        code,
        version,
        observed_value,
        threshold_value,
        title_en || ': '
        || replace(replace(explanation_en, '{observed}', observed_en), '{threshold}', threshold_en)
            as text_en,
        title_ko || ': '
        || replace(replace(explanation_ko, '{observed}', observed_ko), '{threshold}', threshold_ko)
            as text_ko
    from rule_texts
    union all
    select
        'transaction' as subject_type,
        transaction_id as subject_id,
        'model' as kind,
        place::integer as place,
        feature as code,
        version,
        value as observed_value,
        null as threshold_value,
        label_en || ' ' || value_en as text_en,
        label_ko || ' ' || value_ko as text_ko
    from model_texts
    union all
    select
        'transaction' as subject_type,
        transaction_id as subject_id,
        'nearest' as kind,
        place::integer as place,
        neighbour_id as code,
        version,
        amount as observed_value,
        null as threshold_value,
        'Among ordinary purchases the nearest: ' || amount_en || ' at ' || merchant || ' on '
        || day_text as text_en,
        '가장 비슷한 정상 거래: ' || day_text || ' ' || merchant || ' ' || amount_ko as text_ko
    from neighbour_texts
)

select * from final
