{{ config(materialized='day_by_day', days_from='review_seats', contract={'enforced': true}) }}
-- Grain: one row per subject that is in a case or would have been, had there been a seat. The SQL
-- is about one review day, walked_day(), and is run for one working day after the other: what got a
-- seat stays. Related subjects are one case: same person within 72 hours, same merchant and
-- approver within 72 hours, or one common cause; connected components. What is related to an open
-- case joins it without a seat. Seats go to mandatory cases first (what finds none has no row yet
-- and waits), then to the highest value of a review, then to the oddest. What is left is below the
-- line (lane null).
with recursive

seats as (
    select * from {{ ref('review_seats') }}
    where review_date = {{ walked_day() }}
),

today as (
    select
        candidates.*,
        candidates.subject_type || '|' || candidates.subject_id as subject
    from {{ ref('alert_candidates') }} as candidates
    left outer join {{ this }} as decided
        on
            candidates.subject_type = decided.subject_type
            and candidates.subject_id = decided.subject_id
    where
        (
            candidates.queued_on = {{ walked_day() }}
            and (candidates.is_eligible or candidates.is_doubtful)
        )
        or (
            candidates.queued_on < {{ walked_day() }}
            and candidates.is_mandatory
            and decided.subject_id is null
        )
),

-- 1. Cases of the day: within a key, what is not more than 72 hours apart belongs together.

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
labelled as (
    select
        settled.* exclude (label),
        case
            when
                settled.common_cause is null
                and people.employee_count > {{ var('common_cause_employees') }}
                then settled.label_of_employee
            else settled.label
        end as label
    from settled
    inner join people on settled.label = people.label
),

-- 2. Open cases that they may join: begun within the last days, not closed yet.

case_states as (
    select
        case_id,
        max_by(state_after, event_number) as state
    from {{ ref('case_events') }}
    -- a decision of the day itself was made without what the day brings
    where
        is_accepted
        and occurred_at < {{ walked_day() }} + 1
    group by case_id
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
    from {{ this }}
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
    from {{ this }}
    where is_alert
),

-- without an alert a case is kept for a mandatory hit that waits
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

related as (
    select
        labelled.label,
        open_members.case_id,
        open_members.opened_on,
        open_members.lane
    from labelled
    inner join open_members
        on
            labelled.common_cause is null
            and open_members.common_cause is null
            and labelled.employee_id = open_members.employee_id
    where abs({{ hours_between('labelled.occurred_at', 'open_members.occurred_at') }}) <= 72
    union all
    select
        labelled.label,
        open_members.case_id,
        open_members.opened_on,
        open_members.lane
    from labelled
    inner join open_members
        on
            labelled.common_cause is null
            and open_members.common_cause is null
            and labelled.merchant_id = open_members.merchant_id
            and labelled.approver_id = open_members.approver_id
    where abs({{ hours_between('labelled.occurred_at', 'open_members.occurred_at') }}) <= 72
    union all
    select
        labelled.label,
        open_members.case_id,
        open_members.opened_on,
        open_members.lane
    from labelled
    inner join open_members on labelled.common_cause = open_members.common_cause
    where abs({{ hours_between('labelled.occurred_at', 'open_members.occurred_at') }}) <= 72
),

-- one that is kept for a mandatory hit, else the oldest that is under review
joined as (
    select
        label,
        case_id,
        lane
    from (
        select
            *,
            row_number() over (
                partition by label order by opened_on asc nulls first, case_id asc
            ) as place
        from related
    ) as placed
    where place = 1
),

in_cases as (
    select
        labelled.*,
        coalesce(joined.case_id, md5(labelled.label)) as case_id,
        joined.lane as joined_lane,
        row_number() over (
            partition by coalesce(joined.case_id, md5(labelled.label))
            order by
                labelled.is_mandatory desc,
                labelled.is_worth_a_review desc,
                labelled.expected_value desc,
                labelled.subject asc
        ) as place_in_case,
        -- a claim and the purchase that it is about are one expense
        row_number() over (
            partition by
                coalesce(joined.case_id, md5(labelled.label)),
                coalesce(labelled.transaction_id, labelled.subject)
            order by labelled.recoverable_reviews desc, labelled.subject asc
        ) = 1 as is_counted
    from labelled
    left outer join joined on labelled.label = joined.label
),

-- 3. What a review of each case is worth, in reviews, so that currencies can be compared: what it
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
    from in_cases
    where joined_lane is null
    group by case_id
),

mandatory as (
    select waiting.case_id
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
    where waiting.place <= seats.ranked_seats
),

free as (
    select
        ranked_seats - (select count(*) from mandatory) as free_seats,
        round(novelty_share * (ranked_seats - (select count(*) from mandatory)))::integer
            as novelty_seats,
        second_review_seats - (
            select count(*) from {{ ref('audit_confirmations') }}
            where review_date = {{ walked_day() }}
        ) as second_review_seats
    from seats
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
    left outer join {{ ref('review_quotas') }} as of_department
        on
            of_department.scope = 'department'
            and cases.department_id = of_department.scope_value
    left outer join {{ ref('review_quotas') }} as of_any
        on
            of_any.scope = 'department'
            and of_any.scope_value = '*'
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
    left outer join {{ ref('review_quotas') }} as of_rule
        on
            of_rule.scope = 'rule'
            and cases.leading_rule = of_rule.scope_value
    left outer join {{ ref('review_quotas') }} as of_any
        on
            of_any.scope = 'rule'
            and of_any.scope_value = '*'
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
        'mandatory' as lane
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

-- 4. A few are reviewed twice, drawn when nobody can see the draw before, on the seats that
-- findings of the audit leave.

reviewed_twice as (
    select drawn.case_id
    from (
        select
            lanes.case_id,
            row_number() over (order by md5(run_state.audit_seed || lanes.case_id), lanes.case_id)
                as place
        from lanes
        cross join {{ source('raw', 'run_state') }} as run_state
        where lanes.lane is not null
    ) as drawn
    cross join free
    where drawn.place <= free.second_review_seats
),

final as (
    select
        {{ walked_day() }} as review_date,
        in_cases.case_id,
        coalesce(
            in_cases.joined_lane,
            lanes.lane,
            -- the others of a mandatory case that waits are sure to be looked at with it
            case when cases.is_mandatory then 'mandatory' end
        ) as lane,
        in_cases.joined_lane is null and lanes.lane is not null and in_cases.place_in_case = 1
            as is_alert,
        in_cases.place_in_case = 1
        and in_cases.joined_lane is null
        and reviewed_twice.case_id is not null as is_reviewed_twice,
        in_cases.subject_type,
        in_cases.subject_id,
        in_cases.transaction_id,
        in_cases.occurred_at,
        in_cases.employee_id,
        in_cases.merchant_id,
        in_cases.approver_id,
        in_cases.common_cause,
        in_cases.is_mandatory,
        in_cases.amount,
        in_cases.currency,
        in_cases.risk,
        in_cases.expected_value,
        cases.case_risk,
        cases.review_value,
        cases.review_value * in_cases.review_cost as case_expected_value
    from in_cases
    left outer join cases on in_cases.case_id = cases.case_id
    left outer join lanes on in_cases.case_id = lanes.case_id
    left outer join reviewed_twice on in_cases.case_id = reviewed_twice.case_id
    -- a mandatory hit without a seat waits; it has no row until it gets one. What is only doubtful,
    -- without others, was never a case.
    where
        in_cases.joined_lane is not null
        or lanes.lane is not null
        or (cases.is_eligible and not in_cases.is_mandatory)
)

select * from final
