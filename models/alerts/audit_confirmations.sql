{{ config(materialized='day_by_day', days_from='review_seats', contract={'enforced': true}) }}
-- Grain: one row per finding of the audit that somebody else looks at again. What the audit draws
-- stands for hundreds of purchases that nobody looks at, and so does a mistake about it; innocent
-- purchases are so many that most findings of the audit may be mistakes. They are confirmed in the
-- order in which they were found, on the seats of second reviews. The SQL is about one review day,
-- walked_day(), and is run for one working day after the other.
with

seats as (
    select second_review_seats from {{ ref('review_seats') }}
    where review_date = {{ walked_day() }}
),

decided as (
    select
        case_id,
        -- what the audit drew is one purchase, so that a finding on it decides the case
        coalesce(
            max_by(event, event_number) filter (where transaction_id is not null),
            max_by(event, event_number)
        ) as decision,
        max(occurred_at) as decided_at
    from {{ ref('case_events') }}
    where
        is_accepted
        and event in ('cleared', 'inconclusive', 'recovery_ordered')
        and occurred_at < {{ walked_day() }}
    group by case_id
),

waiting as (
    select
        alerts.case_id,
        alerts.subject_type,
        alerts.subject_id,
        alerts.transaction_id,
        alerts.risk,
        alerts.expected_value,
        row_number() over (order by decided.decided_at, alerts.case_id) as place
    from {{ source('ledger', 'alerts') }} as alerts
    inner join decided on alerts.case_id = decided.case_id
    left outer join {{ source('ledger', 'alerts') }} as issued on alerts.case_id = issued.second_of
    left outer join {{ this }} as proposed on alerts.case_id = proposed.case_id
    where
        alerts.lane = 'audit'
        and decided.decision = 'recovery_ordered'
        and issued.case_id is null
        and proposed.case_id is null
),

final as (
    select
        {{ walked_day() }} as review_date,
        waiting.case_id,
        waiting.subject_type,
        waiting.subject_id,
        waiting.transaction_id,
        waiting.risk,
        waiting.expected_value
    from waiting
    cross join seats
    where waiting.place <= seats.second_review_seats
)

select * from final
