-- Grain: one row per subject that no issue has settled yet (unsettled_subjects), with what a review
-- of it is worth and what it has in common with many others. Only what is eligible can become a
-- case: a mandatory hit; what is worth a review and can be explained; what is novel, further out
-- than detectors know it. What is merely doubtful may be in a case of others, but opens none.
-- Mandatory hits stay candidates until they get a seat.
with

keyed as (
    select
        *,
        case when subject_type = 'claim' then subject_id end as claim_id
    from {{ ref('unsettled_subjects') }}
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
        (select currency from {{ ref('company') }}) as currency
    from keyed as subjects
    left outer join {{ ref('int_transactions') }} as transactions
        on subjects.transaction_id = transactions.transaction_id
    left outer join {{ ref('int_claims') }} as int_claims
        on subjects.claim_id = int_claims.claim_id
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
    inner join {{ ref('currencies') }} as currencies on described.currency = currencies.currency
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
