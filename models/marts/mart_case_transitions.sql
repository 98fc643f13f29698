-- Grain: one row per state and event that is legal in it.
select
    state,
    event,
    next_state
from {{ ref('case_transitions') }}
