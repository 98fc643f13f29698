{{ config(materialized='ephemeral') }}
-- Grain: one row per subject that is decided on at the review day, walked_day(), with its case: an
-- open one that it joins, or a new one with the others of its label. What is related to an open
-- case, by the same relations as within the day, joins it without a seat. A part of alert_queue's
-- statement, the second.
with

subjects as (
    select * from {{ ref('queue_day_subjects') }}
),

-- a decision of the day itself was made without what the day brings
events as (
    select
        case_id,
        event_number,
        state_after
    from {{ ref('case_events') }}
    where
        is_accepted
        and occurred_at < {{ walked_day() }} + 1
),

members as (
    select
        case_id,
        occurred_at,
        employee_id,
        merchant_id,
        approver_id,
        common_cause
    from {{ source('ledger', 'case_members') }}
    union all
    select
        case_id,
        occurred_at,
        employee_id,
        merchant_id,
        approver_id,
        common_cause
    from {{ queue_so_far() }}
    where lane is not null
),

issued as (
    select
        case_id,
        alert_date as opened_on,
        lane
    from {{ source('ledger', 'alerts') }}
    union all
    select
        case_id,
        review_date as opened_on,
        lane
    from {{ queue_so_far() }}
    where is_alert
),

case_states as (
    select
        case_id,
        max_by(state_after, event_number) as state
    from events
    group by case_id
),

-- begun within the last days, not closed yet; without an alert a case is kept for a mandatory hit
-- that waits
open_members as (
    select
        members.*,
        issued.opened_on,
        issued.lane
    from members
    left outer join issued on members.case_id = issued.case_id
    left outer join case_states on members.case_id = case_states.case_id
    where
        issued.case_id is null
        or (
            issued.lane <> 'audit'
            and issued.opened_on >= {{ walked_day() }} - {{ var('case_growth_days') }}
            and coalesce(case_states.state, 'new')
            not in ('cleared', 'inconclusive', 'recovery_ordered', 'recovered')
        )
),

-- what has a common cause is related by it alone, all else by its person and by its site
relations as (
    select 'cause' as relation
    union all
    select 'person' as relation
    union all
    select 'site' as relation
),

keyed_subjects as (
    select
        subjects.label,
        subjects.occurred_at,
        relations.relation,
        {{ relation_keys('subjects') }}
    from subjects
    cross join relations
),

keyed_members as (
    select
        open_members.case_id,
        open_members.opened_on,
        open_members.lane,
        open_members.occurred_at,
        relations.relation,
        {{ relation_keys('open_members') }}
    from open_members
    cross join relations
),

related as (
    select
        subjects.label,
        members.case_id,
        members.lane,
        -- one that is kept for a mandatory hit, else the oldest that is under review
        row_number() over (
            partition by subjects.label
            order by members.opened_on asc nulls first, members.case_id asc
        ) as place
    from keyed_subjects as subjects
    inner join keyed_members as members
        on
            subjects.relation = members.relation
            and subjects.first_key = members.first_key
            and subjects.second_key = members.second_key
    where abs({{ hours_between('subjects.occurred_at', 'members.occurred_at') }}) <= 72
),

joined as (
    select
        label,
        case_id,
        lane
    from related
    where place = 1
),

final as (
    select
        subjects.subject,
        subjects.subject_type,
        subjects.subject_id,
        subjects.transaction_id,
        subjects.queued_on,
        subjects.occurred_at,
        subjects.employee_id,
        subjects.department_id,
        subjects.merchant_id,
        subjects.approver_id,
        subjects.common_cause,
        subjects.leading_rule,
        subjects.is_mandatory,
        subjects.is_worth_a_review,
        subjects.is_novel,
        subjects.is_eligible,
        subjects.amount,
        subjects.currency,
        subjects.risk,
        subjects.expected_value,
        subjects.recoverable_reviews,
        subjects.deterrence_reviews,
        subjects.annoyance_reviews,
        subjects.review_cost,
        subjects.anomaly_score,
        coalesce(joined.case_id, md5(subjects.label)) as case_id,
        joined.lane as joined_lane,
        row_number() over (
            partition by coalesce(joined.case_id, md5(subjects.label))
            order by
                subjects.is_mandatory desc,
                subjects.is_worth_a_review desc,
                subjects.expected_value desc,
                subjects.subject asc
        ) as place_in_case,
        -- a claim and the purchase that it is about are one expense
        row_number() over (
            partition by
                coalesce(joined.case_id, md5(subjects.label)),
                coalesce(subjects.transaction_id, subjects.subject)
            order by subjects.recoverable_reviews desc, subjects.subject asc
        ) = 1 as is_counted
    from subjects
    left outer join joined on subjects.label = joined.label
)

select * from final
