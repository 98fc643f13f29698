{{ config(contract={'enforced': true}) }}
-- Grain: one row per proposed alert: what the issue step appends to the ledger when checks pass.
with

chosen as (
    select
        review_date as alert_date,
        lane,
        case_id,
        null as second_of,
        false as is_drawn,
        subject_type,
        subject_id,
        transaction_id,
        risk,
        case_expected_value as expected_value
    from {{ ref('alert_queue') }}
    where is_alert
    union all
    -- the second review has its own case, and nobody who works on it sees the first
    select
        review_date as alert_date,
        'second_review' as lane,
        md5('second|' || case_id) as case_id,
        case_id as second_of,
        false as is_drawn,
        subject_type,
        subject_id,
        transaction_id,
        risk,
        case_expected_value as expected_value
    from {{ ref('alert_queue') }}
    where is_reviewed_twice
    union all
    select
        review_date as alert_date,
        'second_review' as lane,
        md5('second|' || case_id) as case_id,
        case_id as second_of,
        true as is_drawn,
        subject_type,
        subject_id,
        transaction_id,
        risk,
        expected_value
    from {{ ref('audit_confirmations') }}
    union all
    select
        probabilities.queued_on as alert_date,
        'audit' as lane,
        probabilities.case_id,
        null as second_of,
        true as is_drawn,
        'transaction' as subject_type,
        probabilities.transaction_id as subject_id,
        probabilities.transaction_id,
        risk.risk,
        risk.expected_value
    from {{ ref('review_probabilities') }} as probabilities
    inner join {{ ref('risk') }} as risk
        on probabilities.transaction_id = risk.transaction_id
    where probabilities.is_audit_draw
),

reasons as (
    select
        subject_type,
        subject_id,
        string_agg(code || '@' || version, ',' order by place) filter (where kind = 'rule')
            as rules,
        string_agg(text_en, '; ' order by place) filter (where kind = 'rule') as rules_en,
        string_agg(text_ko, '; ' order by place) filter (where kind = 'rule') as rules_ko,
        string_agg(text_en, '; ' order by place) filter (where kind = 'model') as unusual_en,
        string_agg(text_ko, '; ' order by place) filter (where kind = 'model') as unusual_ko
    from {{ ref('proposed_alert_reasons') }}
    group by subject_type, subject_id
),

claims as (
    select
        claim_id,
        employee_id,
        amount,
        purpose,
        submitted_at
    from {{ ref('int_claims') }}
),

policy as (
    select policy_version from {{ ref('policy') }}
),

-- one key per kind of subject, so that the joins below stay plain equalities
keyed as (
    select
        *,
        case when subject_type = 'claim' then subject_id end as claim_id,
        case when subject_type = 'transaction' then subject_id end as scored_transaction_id
    from chosen
),

described as (
    select
        chosen.*,
        transactions.card_id,
        coalesce(claims.employee_id, transactions.employee_id) as employee_id,
        transactions.department_id,
        transactions.merchant_id,
        coalesce(transactions.merchant_name, transactions.merchant_id) as merchant_name,
        coalesce(claims.submitted_at, transactions.authorized_at) as occurred_at,
        coalesce(claims.amount, transactions.amount) as amount,
        (select currency from {{ ref('company') }}) as currency,
        case
            when chosen.subject_type = 'claim' then strftime(claims.submitted_at, '%Y-%m-%d')
            when transactions.has_time then strftime(transactions.authorized_at, '%Y-%m-%d %H:%M')
            else strftime(transactions.authorized_at, '%Y-%m-%d')
        end as moment,
        reasons.rules,
        reasons.rules_en,
        reasons.rules_ko,
        reasons.unusual_en,
        reasons.unusual_ko
    from keyed as chosen
    left outer join {{ ref('int_transactions') }} as transactions
        on chosen.transaction_id = transactions.transaction_id
    left outer join claims on chosen.claim_id = claims.claim_id
    left outer join reasons
        on
            chosen.subject_type = reasons.subject_type
            and chosen.subject_id = reasons.subject_id
),

worded as (
    select
        *,
        'currency' as amount_unit,
        case
            when is_drawn then ' Drawn at random for the audit below the line.'
            else ''
        end
        || coalesce(' ' || rules_en || '.', '')
        || coalesce(' Unusual: ' || unusual_en || '.', '') as because_en,
        case
            when is_drawn then ' 무작위 감사 표본입니다.'
            else ''
        end
        || coalesce(' ' || rules_ko || '.', '')
        || coalesce(' 이례적인 점: ' || unusual_ko || '.', '') as because_ko
    from described
),

final as (
    select
        md5(concat_ws('|', worded.lane = 'second_review', worded.subject_type, worded.subject_id))
            as alert_id,
        worded.alert_date::date as alert_date,
        row_number() over (
            partition by worded.alert_date
            order by
                case worded.lane
                    when 'mandatory' then 1
                    when 'exploit' then 2
                    when 'novelty' then 3
                    when 'audit' then 4
                    else 5
                end asc,
                -- in reviews, so that currencies can be compared
                worded.expected_value / currencies.review_cost desc,
                worded.subject_id asc
        )::integer as place,
        worded.lane,
        worded.case_id,
        worded.second_of,
        worded.subject_type,
        worded.subject_id,
        worded.transaction_id,
        worded.occurred_at,
        worded.card_id,
        worded.employee_id,
        worded.department_id,
        worded.merchant_id,
        worded.merchant_name,
        worded.amount,
        worded.currency,
        worded.risk,
        worded.expected_value,
        worded.rules,
        case worded.subject_type when 'claim' then 'Claim of ' else '' end
        || {{ format_value('worded.amount', 'worded.amount_unit', 'worded.currency', 'en') }}
        || coalesce(' at ' || worded.merchant_name, '')
        || ' on ' || worded.moment || '.' || worded.because_en as sentence_en,
        worded.moment || coalesce(' ' || worded.merchant_name, '') || ' '
        || {{ format_value('worded.amount', 'worded.amount_unit', 'worded.currency', 'ko') }}
        || case worded.subject_type when 'claim' then ' 청구.' else ' 결제.' end
        || worded.because_ko as sentence_ko,
        risk.tree_probability,
        risk.anomaly_score,
        risk.tree_version,
        risk.anomaly_versions,
        policy.policy_version
    from worded
    cross join policy
    inner join {{ ref('currencies') }} as currencies on worded.currency = currencies.currency
    left outer join {{ ref('risk') }} as risk
        on worded.scored_transaction_id = risk.transaction_id
)

select * from final
