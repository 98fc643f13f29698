-- Grain: one row per reviewer who has an open case or ever decided one.
select
    reviewer_id,
    open_count,
    overdue_count,
    decided_30d_count,
    median_days_to_decision
from {{ ref('reviewer_workload') }}
