-- Grain: one row per accepted event; mart_quarantined_events has the others.
select
    event_id,
    case_id,
    event_number,
    event,
    occurred_at,
    actor_id,
    reason,
    note,
    amount,
    transaction_id,
    state_before,
    state_after,
    is_accepted,
    rejected_because,
    load_id,
    load_line
from {{ ref('case_events') }}
where is_accepted
