-- Grain: one row per subject (purchase, or claim, employee or merchant that a rule named) that no
-- issue has settled yet. It is reviewed on the first working day that is not issued yet. Only what
-- is eligible can become a case: a mandatory hit; what is worth a review and can be explained; what
-- is novel, further out than detectors know it. What is merely doubtful may be in a case of others,
-- but opens none. Mandatory hits stay candidates until they get a seat.
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

keyed as (
    select
        *,
        case when subject_type = 'claim' then subject_id end as claim_id
    from subjects
),

described as (
    select
        subjects.*,
        transactions.card_id,
        coalesce(int_claims.employee_id, transactions.employee_id) as employee_id,
        transactions.department_id,
        transactions.merchant_id,
        transactions.approver_id,
        transactions.category,
        coalesce(subjects.scored_amount, int_claims.amount, abs(transactions.amount), 0) as amount,
        coalesce(
            subjects.scored_currency,
            case when subjects.claim_id is null then transactions.currency end,
            '{{ var("claim_currency") }}'
        ) as currency,
        leading_rules.leading_rule
    from keyed as subjects
    left outer join {{ ref('int_transactions') }} as transactions
        on subjects.transaction_id = transactions.transaction_id
    left outer join {{ ref('int_claims') }} as int_claims
        on subjects.claim_id = int_claims.claim_id
    left outer join leading_rules
        on
            subjects.subject_type = leading_rules.subject_type
            and subjects.subject_id = leading_rules.subject_id
),

calendar as (
    select min(day) as first_day from {{ ref('working_days') }}
),

silenced as (
    select
        described.subject_type,
        described.subject_id,
        max_by(silences.silence_id, row(silences.expires_on, silences.silence_id)) as silence_id
    from described
    inner join {{ ref('silences') }} as silences
        on
            silences.valid_from <= described.occurred_at::date
            and silences.expires_on >= described.occurred_at::date
            and silences.scope_value = case silences.scope
                when 'card' then described.card_id
                when 'employee' then described.employee_id
                when 'department' then described.department_id
                when 'merchant' then described.merchant_id
                when 'category' then described.category
            end
    -- a policy that allows no exception is not silenced, and a share of the rest is alerted all the
    -- same: a silence that nobody looks behind is an invitation
    where
        not described.is_mandatory
        and {{ hash_fraction("concat_ws('|', silences.silence_id, described.subject_id)") }}
        >= {{ var('exception_audit_share') }}
    group by described.subject_type, described.subject_id
),

valued as (
    select
        described.*,
        silenced.silence_id,
        working_days.next_working_day as queued_on,
        described.risk
        * (currencies.recovery_rate * described.amount + currencies.deterrence_value)
        - currencies.review_cost
        - (1 - described.risk) * currencies.annoyance_cost as expected_value,
        described.risk * currencies.recovery_rate * described.amount / currencies.review_cost
            as recoverable_reviews,
        currencies.deterrence_value / currencies.review_cost as deterrence_reviews,
        currencies.annoyance_cost / currencies.review_cost as annoyance_reviews,
        currencies.review_cost
    from described
    cross join open_since
    cross join calendar
    inner join {{ ref('currencies') }} as currencies on described.currency = currencies.currency
    inner join {{ ref('working_days') }} as working_days
        on
            greatest(described.occurred_at::date, open_since.issued_until + 1, calendar.first_day)
            = working_days.day
    left outer join silenced
        on
            described.subject_type = silenced.subject_type
            and described.subject_id = silenced.subject_id
),

-- a settled purchase is only back for its mandatory hit
judged as (
    select
        *,
        silence_id is null
        and not is_scored_before
        and is_explained
        and expected_value > 0 as is_worth_a_review,
        silence_id is null
        and not is_scored_before
        and is_anomaly_explained
        and coalesce(anomaly_score >= {{ var('novelty_tail_from') }}, false) as is_novel,
        silence_id is null
        and not is_scored_before
        and is_explained
        and risk >= {{ var('doubtful_risk_from') }} as is_doubtful
    from valued
),

eligible as (
    select
        *,
        is_mandatory or is_worth_a_review or is_novel as is_eligible
    from judged
),

-- Many people at one merchant on one day, or much of one file: one cause, so one question.

files as (
    select
        transaction_id,
        max_by(load_id, row(load_id, load_line)) as load_id
    from {{ ref('stg_card_transactions') }}
    where authorized_at >= (select min(eligible.occurred_at) from eligible)
    group by transaction_id
),

with_file as (
    select
        eligible.*,
        case when eligible.subject_type = 'transaction' then files.load_id end as load_id
    from eligible
    left outer join files on eligible.transaction_id = files.transaction_id
),

file_causes as (
    select
        queued_on,
        load_id
    from with_file
    where load_id is not null
    group by queued_on, load_id
    having
        count(distinct employee_id) filter (where is_eligible)
        >= {{ var('common_cause_employees') }}
        and count(*) filter (where is_eligible) >= {{ var('common_cause_file_share') }} * count(*)
),

merchant_causes as (
    select
        queued_on,
        merchant_id
    from with_file
    where is_eligible
    group by queued_on, merchant_id
    having count(distinct employee_id) >= {{ var('common_cause_employees') }}
),

final as (
    select
        with_file.subject_type,
        with_file.subject_id,
        with_file.transaction_id,
        with_file.card_id,
        with_file.employee_id,
        with_file.department_id,
        with_file.merchant_id,
        with_file.approver_id,
        with_file.occurred_at::date as occurred_on,
        with_file.occurred_at,
        with_file.queued_on,
        with_file.amount,
        with_file.currency,
        with_file.is_mandatory,
        with_file.risk,
        with_file.expected_value,
        with_file.recoverable_reviews,
        with_file.deterrence_reviews,
        with_file.annoyance_reviews,
        with_file.review_cost,
        with_file.anomaly_score,
        with_file.leading_rule,
        with_file.silence_id,
        case
            when not with_file.is_eligible and not with_file.is_doubtful then null
            when file_causes.load_id is not null then 'file ' || file_causes.load_id
            when merchant_causes.merchant_id is not null
                then 'merchant ' || merchant_causes.merchant_id
        end as common_cause,
        with_file.is_worth_a_review,
        with_file.is_novel,
        with_file.is_eligible,
        with_file.is_doubtful,
        with_file.is_scored_before
    from with_file
    left outer join file_causes
        on
            with_file.queued_on = file_causes.queued_on
            and with_file.load_id = file_causes.load_id
    left outer join merchant_causes
        on
            with_file.queued_on = merchant_causes.queued_on
            and with_file.merchant_id = merchant_causes.merchant_id
)

select * from final
