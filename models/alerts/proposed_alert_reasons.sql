-- Grain: one row per subject of a proposed alert and reason: each rule it hit, up to three feature
-- families that moved the models, strongest first, and the ordinary purchases that come closest.
with

-- what ordinary purchases look like that come closest
neighbours as (
    select
        scores.transaction_id,
        scores.version,
        unnest(scores.nearest) as neighbour_id,
        generate_subscripts(scores.nearest, 1) as place
    from {{ ref('proposed_subjects') }} as subjects
    inner join {{ ref('risk') }} as risk
        on
            subjects.subject_type = 'transaction'
            and subjects.subject_id = risk.transaction_id
    inner join {{ ref('anomaly_scores') }} as scores
        on
            risk.transaction_date = scores.transaction_date
            and risk.transaction_id = scores.transaction_id
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
        'rule' as kind,
        place,
        rule_id as code,
        rule_version as version,
        observed_value,
        threshold_value,
        text_en,
        text_ko
    from {{ ref('proposed_rule_reasons') }}
    union all
    select
        'transaction' as subject_type,
        transaction_id as subject_id,
        'model' as kind,
        place,
        feature as code,
        version,
        value as observed_value,
        null as threshold_value,
        text_en,
        text_ko
    from {{ ref('proposed_model_reasons') }}
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
