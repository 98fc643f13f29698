-- Grain: one row per landed event that was not accepted.
select
    event_id,
    case_id,
    event,
    occurred_at,
    actor_id,
    reason,
    note,
    amount,
    transaction_id,
    rejected_because,
    source,
    file,
    line,
    loaded_at,
    load_id
from {{ ref('quarantined_events') }}
