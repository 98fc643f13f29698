{{ config(
    unique_key='occurred_on', pre_hook='{{ union_as_written() }}', post_hook='{{ as_planned() }}'
) }}
-- Grain: one row per rule and subject it fires on, over all active rules (shadow rules included).
-- Exceptions are applied here, after the rules: the hit stays and names its exception. A share of
-- what an exception suppresses is alerted all the same.
with

found as (
    {% for rule in active_rules() %}
        select * from {{ ref(rule) }}
        where {{ in_build_window('occurred_at') }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

hits as (
    select
        *,
        occurred_at::date as occurred_on,
        case when subject_type = 'claim' then subject_id end as claim_id,
        case when subject_type <> 'claim' then transaction_id end as judged_transaction_id
    from found
),

transactions as (
    select
        transaction_id,
        transaction_date,
        employee_id,
        department_id,
        card_id,
        merchant_id,
        category
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date') }}
),

claims as (
    select
        claim_id,
        submitted_on,
        employee_id
    from {{ ref('int_claims') }}
    where {{ in_build_window('submitted_on') }}
),

excepted as (
    select
        hits.rule_id,
        hits.subject_type,
        hits.subject_id,
        -- of several, the one that lasts longest
        max_by(
            exceptions.exception_id, row(exceptions.expires_on, exceptions.exception_id)
        ) as exception_id
    from hits
    inner join {{ ref('rule_exceptions') }} as exceptions
        on
            hits.rule_id = exceptions.rule_id
            and hits.occurred_on >= exceptions.valid_from
            and hits.occurred_on <= exceptions.expires_on
    left outer join transactions
        on
            hits.occurred_on = transactions.transaction_date
            and hits.judged_transaction_id = transactions.transaction_id
    left outer join claims
        on
            hits.occurred_on = claims.submitted_on
            and hits.claim_id = claims.claim_id
    where
        exceptions.scope_value = case exceptions.scope
            -- a rule about an employee and month names both in its subject
            when 'employee'
                then
                    coalesce(
                        claims.employee_id,
                        case
                            when hits.subject_type = 'employee'
                                then substr(hits.subject_id, 1, length(hits.subject_id) - 8)
                        end,
                        transactions.employee_id
                    )
            when 'department' then transactions.department_id
            when 'card' then transactions.card_id
            when 'merchant' then transactions.merchant_id
            when 'category' then transactions.category
        end
    group by hits.rule_id, hits.subject_type, hits.subject_id
),

-- a rule that names a subject twice would be counted twice, and alerted twice
named as (
    select
        hits.rule_id,
        hits.subject_type,
        hits.subject_id,
        case
            when count(*) > 1
                then
                    error(
                        rule_catalog.model_name || '.sql returns ' || count(*)
                        || ' rows for one ' || hits.subject_type || ' (' || hits.subject_id
                        || '); a rule names a subject once, so join or filter what repeats it'
                    )
            else 1
        end as times
    from hits
    inner join {{ ref('rule_catalog') }} as rule_catalog on hits.rule_id = rule_catalog.rule_id
    -- an amount in another currency than the company's is nothing to compare with
    where rule_catalog.foreign_currency is null
    group by hits.rule_id, hits.subject_type, hits.subject_id, rule_catalog.model_name
),

final as (
    select
        hits.rule_id,
        rule_catalog.rule_version,
        hits.subject_type,
        hits.subject_id,
        hits.transaction_id,
        hits.occurred_at,
        hits.occurred_on,
        hits.observed_value,
        hits.threshold_value,
        hits.evidence,
        excepted.exception_id,
        excepted.exception_id is not null
        and {{ hash_fraction("concat_ws('|', excepted.exception_id, hits.subject_id)") }}
        >= {{ var('exception_audit_share') }} as is_suppressed
    from hits
    inner join {{ ref('rule_catalog') }} as rule_catalog on hits.rule_id = rule_catalog.rule_id
    inner join named
        on
            hits.rule_id = named.rule_id
            and hits.subject_type = named.subject_type
            and hits.subject_id = named.subject_id
            and named.times = 1
    left outer join excepted
        on
            hits.rule_id = excepted.rule_id
            and hits.subject_type = excepted.subject_type
            and hits.subject_id = excepted.subject_id
    order by hits.occurred_at, hits.rule_id, hits.subject_id
)

select * from final
