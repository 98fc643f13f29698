{{ config(materialized='ephemeral') }}
-- Grain: one row per new case of the review day, walked_day(), with what its review is worth and
-- the lane in which it gets a seat; without a seat lane is null. Seats go to mandatory cases first,
-- the oldest first, then to the highest value of a review, then to the oddest. A part of
-- alert_queue's statement, the third.
with

members as (
    select * from {{ ref('queue_day_members') }}
    where joined_lane is null
),

seats as (
    select
        ranked_seats,
        novelty_share
    from {{ ref('review_seats') }}
    where review_date = {{ walked_day() }}
),

department_quotas as (
    select
        scope_value,
        max_share
    from {{ ref('review_quotas') }}
    where scope = 'department'
),

rule_quotas as (
    select
        scope_value,
        max_share
    from {{ ref('review_quotas') }}
    where scope = 'rule'
),

-- What a review of each case is worth, in reviews, so that currencies can be compared: what it
-- recovers on average and the repetition that it ends, less the review itself and the annoyance of
-- somebody innocent.
cases as (
    select
        case_id,
        bool_or(is_mandatory) as is_mandatory,
        bool_or(is_worth_a_review) as is_worth_a_review,
        bool_or(is_novel) as is_novel,
        bool_or(is_eligible) as is_eligible,
        min(queued_on) as queued_on,
        min(occurred_at) as occurred_at,
        max(anomaly_score) as anomaly_score,
        max(risk) as case_risk,
        sum(recoverable_reviews order by subject) filter (where is_counted)
        + max(risk) * max(deterrence_reviews)
        - 1
        - (1 - max(risk)) * max(annoyance_reviews) as review_value,
        min(department_id) filter (where place_in_case = 1) as department_id,
        min(leading_rule) filter (where place_in_case = 1) as leading_rule
    from members
    group by case_id
),

mandatory as (
    select
        waiting.case_id,
        waiting.place <= seats.ranked_seats as is_seated
    from (
        select
            case_id,
            row_number() over (
                order by queued_on asc, occurred_at asc, review_value desc, case_id asc
            ) as place
        from cases
        where is_mandatory
    ) as waiting
    cross join seats
),

left_over as (
    select min(seats.ranked_seats) - count(mandatory.case_id) as free_seats
    from seats
    left outer join mandatory on mandatory.is_seated
),

free as (
    select
        left_over.free_seats,
        round(seats.novelty_share * left_over.free_seats)::integer as novelty_seats
    from seats
    cross join left_over
),

-- within its quota a department or rule is served by value, beyond it after all others
within_department as (
    select
        cases.*,
        cases.department_id is not null
        and row_number() over (
            partition by cases.department_id order by cases.review_value desc, cases.case_id asc
        ) > coalesce(of_department.max_share, of_any.max_share, 1) * free.free_seats
            as is_over_department
    from cases
    cross join free
    left outer join department_quotas as of_department
        on cases.department_id = of_department.scope_value
    left outer join department_quotas as of_any on of_any.scope_value = '*'
    where not cases.is_mandatory
),

within_quota as (
    select
        cases.*,
        cases.is_over_department
        or (
            cases.leading_rule is not null
            and row_number() over (
                partition by cases.leading_rule
                order by cases.is_over_department asc, cases.review_value desc, cases.case_id asc
            ) > coalesce(of_rule.max_share, of_any.max_share, 1) * free.free_seats
        ) as is_over_quota
    from within_department as cases
    cross join free
    left outer join rule_quotas as of_rule on cases.leading_rule = of_rule.scope_value
    left outer join rule_quotas as of_any on of_any.scope_value = '*'
),

-- expected value first, as far as novelty's seats are not needed for it
by_value as (
    select
        *,
        row_number() over (
            order by is_worth_a_review desc, is_over_quota asc, review_value desc, case_id asc
        ) as place_by_value
    from within_quota
),

exploited as (
    select
        by_value.*,
        by_value.is_worth_a_review
        and by_value.place_by_value <= free.free_seats - free.novelty_seats as is_chosen
    from by_value
    cross join free
),

by_novelty as (
    select
        *,
        row_number() over (
            partition by is_chosen
            order by is_novel desc, is_over_quota asc, anomaly_score desc nulls last, case_id asc
        ) as place_by_novelty
    from exploited
),

-- the seats that one lane leaves empty go to the other
explored as (
    select
        by_novelty.*,
        not by_novelty.is_chosen
        and by_novelty.is_novel
        and by_novelty.place_by_novelty
        <= free.free_seats - sum(by_novelty.is_chosen::integer) over () as is_explored
    from by_novelty
    cross join free
),

filled as (
    select
        *,
        row_number() over (
            partition by is_chosen or is_explored
            order by is_worth_a_review desc, is_over_quota asc, review_value desc, case_id asc
        ) as place_of_rest,
        sum((is_chosen or is_explored)::integer) over () as taken
    from explored
),

lanes as (
    select
        case_id,
        case when is_seated then 'mandatory' end as lane
    from mandatory
    union all
    select
        filled.case_id,
        case
            when filled.is_chosen then 'exploit'
            when filled.is_explored then 'novelty'
            when filled.is_worth_a_review and filled.place_of_rest <= free.free_seats - filled.taken
                then 'exploit'
        end as lane
    from filled
    cross join free
),

final as (
    select
        cases.case_id,
        lanes.lane,
        cases.is_mandatory,
        cases.is_eligible,
        cases.case_risk,
        cases.review_value
    from cases
    inner join lanes on cases.case_id = lanes.case_id
)

select * from final
