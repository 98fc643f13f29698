-- Grain: one row per rule and complete ISO week in which it could be evaluated.
select
    rule_id,
    week,
    hit_count,
    evaluated_count,
    hit_rate,
    earlier_weeks,
    expected_hits,
    expected_from,
    expected_to,
    is_unusual
from {{ ref('rule_firing') }}
