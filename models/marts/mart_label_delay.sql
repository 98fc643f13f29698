-- Grain: one row per complete ISO week of the purchases that were alerted.
select
    week,
    alert_count,
    decided_count,
    median_delay_days,
    long_delay_days,
    usual_delay_days,
    overdue_share
from {{ ref('label_delay') }}
