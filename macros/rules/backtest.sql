{#
    What a rule finds now and what it would find with a change, over all history, without touching
    the warehouse. The queries of `cardwatch backtest` and of `dbt run-operation backtest`; they use
    nothing of dbt but ref() and source(), so that the command need not start dbt.
#}

{% macro backtest_hits(now, changed, since) %}
create or replace temp table backtest_hits as
with

now_hits as (
    {{ now }}
),

changed_hits as (
    {{ changed }}
),

compared as (
    select
        coalesce(changed_hits.subject_type, now_hits.subject_type) as subject_type,
        coalesce(changed_hits.subject_id, now_hits.subject_id) as subject_id,
        coalesce(changed_hits.transaction_id, now_hits.transaction_id) as transaction_id,
        coalesce(changed_hits.occurred_at, now_hits.occurred_at) as occurred_at,
        coalesce(changed_hits.observed_value, now_hits.observed_value) as observed_value,
        coalesce(changed_hits.threshold_value, now_hits.threshold_value) as threshold_value,
        coalesce(changed_hits.evidence, now_hits.evidence) as evidence,
        case
            when now_hits.subject_id is null then 'gained'
            when changed_hits.subject_id is null then 'lost'
            else 'kept'
        end as change
    from now_hits
    full outer join changed_hits
        on
            now_hits.subject_type = changed_hits.subject_type
            and now_hits.subject_id = changed_hits.subject_id
    where coalesce(changed_hits.occurred_at, now_hits.occurred_at) >= date '{{ since }}'
),

-- what was decided last holds; most hits were never looked at
decided as (
    select
        transaction_id,
        misuse
    from {{ ref('latest_decisions') }}
    where
        is_latest
        and transaction_id in (select transaction_id from compared)
),

transactions as (
    select
        transaction_id,
        department_id,
        amount,
        currency
    from {{ ref('int_transactions') }}
    where transaction_id in (select transaction_id from compared)
),

claims as (
    select
        claim_id,
        amount
    from {{ ref('int_claims') }}
    where claim_id in (select subject_id from compared where subject_type = 'claim')
)

select
    compared.*,
    date_trunc('month', compared.occurred_at)::date as month,
    transactions.department_id,
    coalesce(claims.amount, transactions.amount) as amount,
    transactions.currency,
    decided.misuse
from compared
left join transactions on compared.transaction_id = transactions.transaction_id
left join claims on compared.subject_type = 'claim' and compared.subject_id = claims.claim_id
left join decided on compared.transaction_id = decided.transaction_id
{% endmacro %}

{# How far the tables that a threshold is cut in go: reach and name of each, as they were built. #}
{% macro backtest_built_reaches(rule_id, parameter) %}
select
    reaches.value ->> '$' as reach,
    tables.schema_name || '.' || tables.table_name as table_name
from duckdb_tables() as tables, json_each(tables.comment) as reaches
where
    tables.database_name = current_database()
    and tables.schema_name in ('features', 'intermediate')
    and reaches.key = '{{ rule_id }}.{{ parameter }}'
order by table_name
{% endmacro %}

{# One row per side: now, with the change, gained, lost. Precision with its Wilson interval (95 %). #}
{% macro backtest_totals(review_minutes) %}
with

sides as (
    from (
        values
        (1, 'now', ['kept', 'lost']),
        (2, 'with_the_change', ['kept', 'gained']),
        (3, 'gained', ['gained']),
        (4, 'lost', ['lost'])
    ) as sides (place, side, changes)
),

counted as (
    select
        sides.place,
        sides.side,
        count(hits.subject_id) as hits,
        coalesce(sum(hits.amount), 0)::double as amount,
        case count(distinct hits.currency)
            when 0 then null
            when 1 then min(hits.currency)
            else 'several'
        end as currency,
        count(hits.misuse) as reviewed,
        count(*) filter (where hits.misuse) as misuse,
        round(count(hits.subject_id) * {{ review_minutes }} / 60.0, 1)::double as review_hours
    from sides
    left join backtest_hits as hits on list_contains(sides.changes, hits.change)
    group by sides.place, sides.side
),

rates as (
    select
        *,
        misuse / nullif(reviewed, 0) as precision
    from counted
)

select
    side,
    hits,
    amount,
    currency,
    reviewed,
    misuse,
    precision,
    {{ wilson('precision', 'nullif(reviewed, 0)', -1) }} as precision_from,
    {{ wilson('precision', 'nullif(reviewed, 0)', 1) }} as precision_to,
    review_hours
from rates
order by place
{% endmacro %}

{# Hits by month or by department. #}
{% macro backtest_by(part) %}
select
    coalesce({{ part }}::varchar, 'unknown') as {{ part }},
    count(*) filter (where change <> 'gained') as now,
    count(*) filter (where change <> 'lost') as with_the_change,
    count(*) filter (where change = 'gained') as gained,
    count(*) filter (where change = 'lost') as lost
from backtest_hits
group by all
order by 1
{% endmacro %}

{# How many of the hits every other filter (a rule, an external one, Cardwatch's alerts) has too, and
   how many none has. #}
{% macro backtest_overlap(rule_id) %}
with

filters as (
    select
        'rule' as filter_kind,
        rule_id as filter,
        transaction_id
    from {{ ref('rule_hits') }}
    where rule_id <> '{{ rule_id }}'
    union all
    select
        'external' as filter_kind,
        filter,
        transaction_id
    from {{ ref('stg_external_hits') }}
    union all
    select
        'alerts' as filter_kind,
        null as filter,
        transaction_id
    from {{ source('ledger', 'alerts') }}
    where lane not in ('audit', 'second_review')
),

shared as (
    select distinct
        coalesce(filters.filter_kind, 'none') as filter_kind,
        filters.filter,
        backtest_hits.subject_id,
        backtest_hits.change
    from backtest_hits
    left join filters on backtest_hits.transaction_id = filters.transaction_id
)

select
    filter_kind,
    filter,
    count(*) filter (where change <> 'gained') as now,
    count(*) filter (where change <> 'lost') as with_the_change,
    count(*) filter (where change = 'gained') as gained,
    count(*) filter (where change = 'lost') as lost
from shared
group by filter_kind, filter
order by with_the_change desc, filter_kind asc, filter asc
{% endmacro %}

{# Ten hits that the change gains and ten that it loses (ten that stay, where it does neither), in an
   order that has nothing to do with what they are. #}
{% macro backtest_examples() %}
with

placed as (
    select
        *,
        row_number() over (partition by change order by md5(subject_id)) as place
    from backtest_hits
)

select
    change,
    subject_type,
    subject_id,
    occurred_at,
    department_id,
    amount,
    currency,
    observed_value,
    threshold_value,
    misuse,
    evidence
from placed
where
    place <= 10
    and (
        change <> 'kept'
        or not exists (select 1 from backtest_hits where change <> 'kept')
    )
order by change, place
{% endmacro %}
