-- Grain: one row per exception from a rule: where it stands on the last built day, and what it did.
-- A view: it is looked at now and then, and hits are few.
with

today as (
    select max(transaction_date) as day from {{ ref('int_transactions') }}
),

hits as (
    select
        exception_id,
        count(*) as hit_count,
        count(*) filter (where is_suppressed) as suppressed_count,
        max(occurred_at) as last_hit_at
    from {{ ref('rule_hits') }}
    where exception_id is not null
    group by exception_id
),

-- the same rule firing again on whom the exception was about
hits_since as (
    select
        exceptions.exception_id,
        count(*) as hit_count
    from {{ ref('rule_exceptions') }} as exceptions
    inner join {{ ref('rule_hits') }} as rule_hits
        on
            exceptions.rule_id = rule_hits.rule_id
            and exceptions.expires_on < rule_hits.occurred_on
    inner join {{ ref('int_transactions') }} as transactions
        on
            rule_hits.occurred_on = transactions.transaction_date
            and rule_hits.transaction_id = transactions.transaction_id
    where
        exceptions.scope_value = case exceptions.scope
            when 'employee' then transactions.employee_id
            when 'department' then transactions.department_id
            when 'card' then transactions.card_id
            when 'merchant' then transactions.merchant_id
            when 'category' then transactions.category
        end
    group by exceptions.exception_id
),

-- a misspelt value would be an exception that never applies
known as (
    {% for scope in ['employee', 'department', 'card', 'merchant'] %}
        select distinct
            '{{ scope }}' as scope,
            {{ scope }}_id as scope_value
        from {{ ref('int_transactions') }}
        where {{ scope }}_id in (select scope_value from {{ ref('rule_exceptions') }})
        union all
    {% endfor %}
    select distinct
        'category' as scope,
        category as scope_value
    from {{ ref('merchant_categories') }}
),

final as (
    select
        exceptions.exception_id,
        exceptions.rule_id,
        exceptions.scope,
        exceptions.scope_value,
        exceptions.reason,
        exceptions.owner,
        exceptions.valid_from,
        exceptions.expires_on,
        case
            when today.day > exceptions.expires_on then 'expired'
            when known.scope_value is null then 'names nobody'
            when today.day < exceptions.valid_from then 'not yet valid'
            when today.day + 30 > exceptions.expires_on then 'expires within 30 days'
            else 'valid'
        end as state,
        coalesce(hits.hit_count, 0) as hit_count,
        coalesce(hits.suppressed_count, 0) as suppressed_count,
        hits.last_hit_at,
        coalesce(hits_since.hit_count, 0) as hit_count_since_expiry
    from {{ ref('rule_exceptions') }} as exceptions
    cross join today
    left outer join hits on exceptions.exception_id = hits.exception_id
    left outer join hits_since on exceptions.exception_id = hits_since.exception_id
    left outer join known
        on
            exceptions.scope = known.scope
            and exceptions.scope_value = known.scope_value
)

select * from final
