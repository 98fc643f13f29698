-- Grain: one row per subject of a proposed alert and live rule that it hit, the heaviest first: the
-- rule's explanation with what was seen and what is allowed.
with

subjects as (
    select * from {{ ref('proposed_subjects') }}
),

hits as (
    select
        subjects.subject_type,
        subjects.subject_id,
        rule_hits.rule_id,
        rule_hits.rule_version,
        row_number() over (
            partition by subjects.subject_type, subjects.subject_id
            order by rule_catalog.severity_weight desc, rule_hits.rule_id asc
        ) as place,
        rule_hits.observed_value,
        rule_hits.threshold_value,
        rule_catalog.unit,
        rule_catalog.title_en,
        rule_catalog.title_ko,
        rule_catalog.explanation_en,
        rule_catalog.explanation_ko,
        (select currency from {{ ref('company') }}) as currency
    from subjects
    inner join {{ ref('rule_hits') }} as rule_hits
        on
            subjects.subject_type = rule_hits.subject_type
            and subjects.subject_id = rule_hits.subject_id
    inner join {{ ref('rule_catalog') }} as rule_catalog
        on rule_hits.rule_id = rule_catalog.rule_id
    left outer join {{ ref('int_transactions') }} as transactions
        on subjects.transaction_id = transactions.transaction_id
    where
        rule_catalog.stage = 'live'
        and not rule_hits.is_suppressed
),

worded as (
    select
        *,
        {{ format_value('observed_value', 'unit', 'currency', 'en') }} as observed_en,
        {{ format_value('observed_value', 'unit', 'currency', 'ko') }} as observed_ko,
        {{ format_value('threshold_value', 'unit', 'currency', 'en') }} as threshold_en,
        {{ format_value('threshold_value', 'unit', 'currency', 'ko') }} as threshold_ko
    from hits
),

final as (
    select
        subject_type,
        subject_id,
        place::integer as place,
        rule_id,
        rule_version,
        observed_value,
        threshold_value,
        title_en || ': '
        || replace(replace(explanation_en, '{observed}', observed_en), '{threshold}', threshold_en)
            as text_en,
        title_ko || ': '
        || replace(replace(explanation_ko, '{observed}', observed_ko), '{threshold}', threshold_ko)
            as text_ko
    from worded
)

select * from final
