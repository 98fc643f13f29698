-- Grain: one row per case.
select
    case_id,
    lane,
    state,
    state_since,
    reviewer_id,
    employee_id,
    department_id,
    remind_on,
    due_on,
    is_overdue
from {{ ref('reminders') }}
