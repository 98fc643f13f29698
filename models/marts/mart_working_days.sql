-- Grain: one row per day.
select
    day,
    is_working_day,
    next_working_day,
    working_day_number
from {{ ref('working_days') }}
