-- Grain: one row per rule.
select
    title_en,
    title_ko,
    typology,
    missing_feed,
    what_it_would_find
from {{ ref('planned_rules') }}
