-- Grain: one row per state that has a deadline.
select
    state,
    working_days,
    remind_before,
    note
from {{ ref('case_deadlines') }}
