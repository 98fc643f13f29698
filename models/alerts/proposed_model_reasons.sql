-- Grain: one row per purchase with a proposed alert and feature that moved the models, one feature
-- of a family and up to three families, strongest first.
-- Each detector's contributions are shares of its own risk, so that they can be added up; what is
-- queued as odd says why even where a stack has learned to give oddness no weight.
with

risks as (
    select risk.*
    from {{ ref('risk') }} as risk
    inner join {{ ref('proposed_subjects') }} as subjects
        on
            subjects.subject_type = 'transaction'
            and risk.transaction_id = subjects.subject_id
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
    union all
    select
        risks.transaction_id,
        greatest(risks.anomaly_risk, 1e-6) / {{ var('anomaly_detectors') | length }}
            as detector_risk,
        scores.version,
        {{ unnest_structs('scores.reasons') }}
    from risks
    inner join {{ ref('anomaly_scores') }} as scores
        on
            risks.transaction_date = scores.transaction_date
            and risks.transaction_id = scores.transaction_id
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

-- what a rule on the same subject speaks of already
named_by_rules as (
    select
        rule_reasons.subject_id as transaction_id,
        unnest(string_split(rule_catalog.needs, ',')) as feature
    from {{ ref('proposed_rule_reasons') }} as rule_reasons
    inner join {{ ref('rule_catalog') }} as rule_catalog
        on rule_reasons.rule_id = rule_catalog.rule_id
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
    left outer join named_by_rules
        on
            shares.transaction_id = named_by_rules.transaction_id
            and shares.feature = named_by_rules.feature
    where
        named_by_rules.feature is null
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

worded as (
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

final as (
    select
        transaction_id,
        place::integer as place,
        feature,
        version,
        value,
        label_en || ' ' || value_en as text_en,
        label_ko || ' ' || value_ko as text_ko
    from worded
)

select * from final
