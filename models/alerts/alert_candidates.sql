-- Grain: one row per subject (purchase or claim) that no issue has settled yet.
-- A subject joins the queue on the day it occurred; one that arrives when that day was issued joins
-- on the next day. Mandatory hits that found no seat stay candidates until they get one.
with

last_issue as (
    select coalesce(max(issued_until), date '0001-01-01') as issued_until
    from {{ source('ledger', 'issues') }}
),

purchases as (
    select
        'transaction' as subject_type,
        risk.transaction_id as subject_id,
        risk.transaction_id,
        risk.card_id,
        risk.merchant_id,
        risk.transaction_date as occurred_on,
        risk.authorized_at as occurred_at,
        risk.amount,
        risk.currency,
        risk.is_mandatory,
        risk.risk,
        risk.expected_value,
        risk.is_explained,
        scores.transaction_id is not null as is_scored_before
    from {{ ref('risk') }} as risk
    left outer join {{ source('ledger', 'scores') }} as scores
        on risk.transaction_id = scores.transaction_id
    left outer join {{ source('ledger', 'case_members') }} as case_members
        on
            case_members.subject_type = 'transaction'
            and risk.transaction_id = case_members.subject_id
    where
        scores.transaction_id is null
        or (risk.is_mandatory and case_members.subject_id is null)
),

claim_hits as (
    select
        rule_hits.subject_id,
        min(rule_hits.transaction_id) as transaction_id,
        min(rule_hits.occurred_at) as occurred_at,
        bool_or(rule_catalog.kind = 'mandatory') as is_mandatory,
        max(rule_catalog.severity_weight) as risk
    from {{ ref('rule_hits') }} as rule_hits
    inner join {{ ref('rule_catalog') }} as rule_catalog
        on rule_hits.rule_id = rule_catalog.rule_id
    left outer join {{ source('ledger', 'rule_hits') }} as issued
        on
            rule_hits.rule_id = issued.rule_id
            and issued.subject_type = 'claim'
            and rule_hits.subject_id = issued.subject_id
    left outer join {{ source('ledger', 'case_members') }} as case_members
        on
            case_members.subject_type = 'claim'
            and rule_hits.subject_id = case_members.subject_id
    where
        rule_hits.subject_type = 'claim'
        and rule_catalog.stage = 'live'
        and not rule_hits.is_suppressed
        and (
            issued.subject_id is null
            or (rule_catalog.kind = 'mandatory' and case_members.subject_id is null)
        )
    group by rule_hits.subject_id
),

claims as (
    select
        'claim' as subject_type,
        claim_hits.subject_id,
        claim_hits.transaction_id,
        transactions.card_id,
        transactions.merchant_id,
        claim_hits.occurred_at::date as occurred_on,
        claim_hits.occurred_at,
        int_claims.amount,
        currencies.currency,
        claim_hits.is_mandatory,
        claim_hits.risk,
        claim_hits.risk * currencies.recovery_rate * int_claims.amount
        - currencies.review_cost
        - (1 - claim_hits.risk) * currencies.annoyance_cost as expected_value,
        true as is_explained,
        false as is_scored_before
    from claim_hits
    inner join {{ ref('int_claims') }} as int_claims on claim_hits.subject_id = int_claims.claim_id
    inner join {{ ref('currencies') }} as currencies
        on currencies.currency = '{{ var("claim_currency") }}'
    left outer join {{ ref('int_transactions') }} as transactions
        on claim_hits.transaction_id = transactions.transaction_id
),

candidates as (
    select * from purchases
    union all
    select * from claims
),

final as (
    select
        candidates.subject_type,
        candidates.subject_id,
        candidates.transaction_id,
        candidates.card_id,
        candidates.occurred_on,
        candidates.occurred_at,
        greatest(candidates.occurred_on, last_issue.issued_until + 1) as queued_on,
        -- purchases of one card at one merchant on one day are one question to one person
        md5(
            concat_ws(
                '|',
                candidates.subject_type,
                coalesce(candidates.card_id, candidates.subject_id),
                coalesce(candidates.merchant_id, candidates.subject_id),
                candidates.occurred_on
            )
        ) as case_id,
        candidates.amount,
        candidates.currency,
        candidates.is_mandatory,
        candidates.risk,
        candidates.expected_value,
        candidates.is_explained,
        candidates.is_scored_before
    from candidates
    cross join last_issue
)

select * from final
