-- Grain: one row per working day of the queue: how many cases the reviewers can take, and of which
-- kind. The seats of the audit and of second reviews are set aside first, so that no flood can take
-- them; mandatory hits, expected value and novelty share the rest.
with

days as (
    select day as review_date
    from {{ ref('working_days') }}
    where
        is_working_day
        and day >= (select min(queued_on) from {{ ref('alert_candidates') }})
        and day <= (select built_until from {{ ref('build_window') }})
),

budget as (
    select * from {{ ref('budget_periods') }}
),

shared as (
    select
        days.review_date,
        budget.cases_per_day,
        ceil(budget.cases_per_day * budget.audit_share)::integer as audit_seats,
        ceil(budget.cases_per_day * budget.second_review_share)::integer as second_review_seats,
        budget.audit_uniform_share,
        budget.novelty_share
    from days
    inner join budget
        on
            days.review_date >= budget.valid_from
            and days.review_date < budget.valid_to
),

final as (
    select
        review_date,
        cases_per_day,
        audit_seats,
        second_review_seats,
        cases_per_day - audit_seats - second_review_seats as ranked_seats,
        novelty_share,
        audit_uniform_share
    from shared
)

select * from final
