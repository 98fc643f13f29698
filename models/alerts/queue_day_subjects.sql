{{ config(materialized='ephemeral') }}
-- Grain: one row per subject that is decided on at the review day, walked_day(), with the label of
-- the case that it makes with the others of the day. Related subjects are one case: same person
-- within 72 hours, same merchant and approver within 72 hours, or one common cause; connected
-- components. A part of alert_queue's statement, the first.
with recursive

candidates as (
    select
        *,
        subject_type || '|' || subject_id as subject
    from {{ ref('alert_candidates') }}
),

queued as (
    select
        subject_type,
        subject_id
    from {{ queue_so_far() }}
),

-- what is new, and the mandatory hits that still wait
today as (
    select candidates.*
    from candidates
    left outer join queued
        on
            candidates.subject_type = queued.subject_type
            and candidates.subject_id = queued.subject_id
    where
        (
            candidates.queued_on = {{ walked_day() }}
            and (candidates.is_eligible or candidates.is_doubtful)
        )
        or (
            candidates.queued_on < {{ walked_day() }}
            and candidates.is_mandatory
            and queued.subject_id is null
        )
),

-- within a key, what is not more than 72 hours apart belongs together

spaced as (
    select
        *,
        lag(occurred_at) over (
            partition by employee_id, common_cause order by occurred_at, subject
        ) as before_of_employee,
        lag(occurred_at) over (
            partition by merchant_id, approver_id, common_cause order by occurred_at, subject
        ) as before_at_site
    from today
),

sessions as (
    select
        *,
        sum(coalesce({{ hours_between('before_of_employee', 'occurred_at') }} > 72, true)::integer)
            over (
                partition by employee_id, common_cause order by occurred_at, subject
                rows between unbounded preceding and current row
            ) as session_of_employee,
        sum(coalesce({{ hours_between('before_at_site', 'occurred_at') }} > 72, true)::integer)
            over (
                partition by merchant_id, approver_id, common_cause order by occurred_at, subject
                rows between unbounded preceding and current row
            ) as session_at_site
    from spaced
),

keys as (
    select
        subject,
        case
            when common_cause is not null then common_cause
            when employee_id is not null
                then concat_ws('|', 'employee', employee_id, session_of_employee)
            else subject
        end as employee_key,
        case
            when common_cause is null and merchant_id is not null and approver_id is not null
                then concat_ws('|', 'site', merchant_id, approver_id, session_at_site)
            else subject
        end as site_key
    from sessions
),

-- every subject takes the smallest label that is in reach, until nothing moves any more
components as (
    select
        subject,
        employee_key,
        site_key,
        subject as label,
        0 as round,
        true as is_moving
    from keys
    union all
    select
        subject,
        employee_key,
        site_key,
        smallest as label,
        round + 1 as round,
        bool_or(smallest < label) over () as is_moving
    from (
        select
            *,
            least(
                min(label) over (partition by employee_key),
                min(label) over (partition by site_key)
            ) as smallest
        from components
        where is_moving
    ) as neighbours
),

last_round as (
    select max(round) as round from components
),

settled as (
    select
        today.*,
        components.label,
        min(components.subject) over (partition by components.employee_key) as label_of_employee
    from today
    inner join components on today.subject = components.subject
    inner join last_round on components.round = last_round.round
),

people as (
    select
        label,
        count(distinct employee_id) as employee_count
    from settled
    group by label
),

-- a chain of sites that reaches more people than one question can is left; each person is a case
final as (
    select
        settled.subject,
        settled.subject_type,
        settled.subject_id,
        settled.transaction_id,
        settled.queued_on,
        settled.occurred_at,
        settled.employee_id,
        settled.department_id,
        settled.merchant_id,
        settled.approver_id,
        settled.common_cause,
        settled.leading_rule,
        settled.is_mandatory,
        settled.is_worth_a_review,
        settled.is_novel,
        settled.is_eligible,
        settled.amount,
        settled.currency,
        settled.risk,
        settled.expected_value,
        settled.recoverable_reviews,
        settled.deterrence_reviews,
        settled.annoyance_reviews,
        settled.review_cost,
        settled.anomaly_score,
        case
            when
                settled.common_cause is null
                and people.employee_count > {{ var('common_cause_employees') }}
                then settled.label_of_employee
            else settled.label
        end as label
    from settled
    inner join people on settled.label = people.label
)

select * from final
