-- Grain: one row per mandatory hit that waits for a seat, with the day since which it waits. It is
-- never dropped: it is a candidate again on every day until it is served, oldest first.
with

final as (
    select
        candidates.subject_type,
        candidates.subject_id,
        candidates.transaction_id,
        candidates.employee_id,
        candidates.leading_rule,
        candidates.occurred_on as waiting_since,
        candidates.amount,
        candidates.currency,
        candidates.risk
    from {{ ref('alert_candidates') }} as candidates
    left outer join {{ ref('alert_queue') }} as queue
        on
            candidates.subject_type = queue.subject_type
            and candidates.subject_id = queue.subject_id
    where
        candidates.is_mandatory
        and queue.subject_id is null
        and candidates.queued_on <= (select built_until from {{ ref('build_window') }})
)

select * from final
