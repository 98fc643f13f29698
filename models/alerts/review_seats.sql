-- Grain: one row per day of the queue: how many alerts the reviewers can take, and of which kind.
-- The audit's seats are set aside first, so that floods cannot take them.
with

days as (
    select
        unnest(
            generate_series(
                (select min(queued_on) from {{ ref('alert_candidates') }}),
                (select built_until from {{ ref('int_build_window') }}),
                interval 1 day
            )
        )::date as review_date
),

budget as (
    select
        valid_from,
        coalesce(lead(valid_from) over (order by valid_from), date '9999-12-31') as valid_to,
        alerts_per_day,
        audit_share
    from {{ ref('review_budget') }}
),

final as (
    select
        days.review_date,
        budget.alerts_per_day,
        ceil(budget.alerts_per_day * budget.audit_share)::integer as audit_seats,
        (budget.alerts_per_day - ceil(budget.alerts_per_day * budget.audit_share))::integer
            as ranked_seats
    from days
    inner join budget
        on
            days.review_date >= budget.valid_from
            and days.review_date < budget.valid_to
)

select * from final
