-- Grain: one row per subject (purchase, or claim, employee or merchant that a rule named) that no
-- issue has settled yet. It is reviewed on the first working day that is not issued yet.
with

-- what a run leaves unsettled (a weekend's purchases on a Saturday) is young, or was built anew by
-- one of the last runs
latest as (
    select coalesce(max(issued_until), date '0001-01-01') as issued_until
    from {{ source('ledger', 'issues') }}
),

open_since as (
    select
        latest.issued_until,
        coalesce(
            least(
                min(issues.issued_from),
                (select built_from from {{ ref('build_window') }}),
                latest.issued_until - 31
            ),
            date '0001-01-01'
        ) as first_day
    from latest
    left outer join {{ source('ledger', 'issues') }} as issues
        on latest.issued_until - 31 <= issues.issued_until
    group by latest.issued_until
),

purchases as (
    select
        risk.*,
        scores.transaction_id is not null as is_scored_before
    from {{ ref('risk') }} as risk
    -- by its identifier alone: what comes again with another date was settled all the same
    left outer join {{ source('ledger', 'scores') }} as scores
        on risk.transaction_id = scores.transaction_id
    left outer join {{ source('ledger', 'case_members') }} as case_members
        on
            case_members.subject_type = 'transaction'
            and risk.transaction_id = case_members.subject_id
    where
        (
            scores.transaction_id is null
            and risk.transaction_date >= (select first_day from open_since)
        )
        or (risk.is_mandatory and case_members.subject_id is null)
),

live_hits as (
    select
        rule_hits.*,
        rule_catalog.kind = 'mandatory' as is_mandatory,
        rule_catalog.severity_weight
    from {{ ref('rule_hits') }} as rule_hits
    inner join {{ ref('rule_catalog') }} as rule_catalog
        on rule_hits.rule_id = rule_catalog.rule_id
    where
        rule_catalog.stage = 'live'
        and not rule_hits.is_suppressed
        and (
            rule_hits.occurred_on >= (select first_day from open_since)
            or rule_catalog.kind = 'mandatory'
        )
),

-- what rules name that is no purchase: claims, refunds and declined purchases, months of people; a
-- case is about each of them once, whatever else is found later
other_hits as (
    select
        live_hits.subject_type,
        live_hits.subject_id,
        min(live_hits.transaction_id) as transaction_id,
        min(live_hits.occurred_at) as occurred_at,
        bool_or(live_hits.is_mandatory) as is_mandatory,
        max(live_hits.severity_weight) as risk
    from live_hits
    left outer join {{ source('ledger', 'rule_hits') }} as issued
        on
            live_hits.rule_id = issued.rule_id
            and live_hits.subject_type = issued.subject_type
            and live_hits.subject_id = issued.subject_id
    left outer join {{ source('ledger', 'case_members') }} as case_members
        on
            live_hits.subject_type = case_members.subject_type
            and live_hits.subject_id = case_members.subject_id
    left outer join {{ ref('int_transactions') }} as transactions
        on
            live_hits.occurred_on = transactions.transaction_date
            and live_hits.subject_id = transactions.transaction_id
    where
        (live_hits.subject_type <> 'transaction' or not transactions.is_purchase)
        and case_members.subject_id is null
        and (issued.subject_id is null or live_hits.is_mandatory)
    group by live_hits.subject_type, live_hits.subject_id
),

subjects as (
    select
        'transaction' as subject_type,
        purchases.transaction_id as subject_id,
        purchases.transaction_id,
        purchases.authorized_at as occurred_at,
        purchases.amount as scored_amount,
        purchases.currency as scored_currency,
        purchases.is_mandatory,
        purchases.risk,
        purchases.anomaly_score,
        purchases.is_explained,
        coalesce(purchases.is_anomaly_explained, false) as is_anomaly_explained,
        purchases.is_scored_before
    from purchases
    union all
    select
        other_hits.subject_type,
        other_hits.subject_id,
        other_hits.transaction_id,
        other_hits.occurred_at,
        null as scored_amount,
        null as scored_currency,
        other_hits.is_mandatory,
        other_hits.risk,
        null as anomaly_score,
        true as is_explained,
        false as is_anomaly_explained,
        false as is_scored_before
    from other_hits
),

leading_rules as (
    select
        subject_type,
        subject_id,
        max_by(rule_id, row(is_mandatory, severity_weight, rule_id)) as leading_rule
    from live_hits
    group by subject_type, subject_id
),

calendar as (
    select min(day) as first_day from {{ ref('working_days') }}
),

final as (
    select
        subjects.subject_type,
        subjects.subject_id,
        subjects.transaction_id,
        subjects.occurred_at,
        working_days.next_working_day as queued_on,
        subjects.scored_amount,
        subjects.scored_currency,
        subjects.is_mandatory,
        leading_rules.leading_rule,
        subjects.risk,
        subjects.anomaly_score,
        subjects.is_explained,
        subjects.is_anomaly_explained,
        subjects.is_scored_before
    from subjects
    cross join open_since
    cross join calendar
    inner join {{ ref('working_days') }} as working_days
        on
            greatest(subjects.occurred_at::date, open_since.issued_until + 1, calendar.first_day)
            = working_days.day
    left outer join leading_rules
        on
            subjects.subject_type = leading_rules.subject_type
            and subjects.subject_id = leading_rules.subject_id
)

select * from final
