-- Grain: one row per rule.
select
    rule_id,
    stage,
    rule_version,
    is_of_this_version,
    measured_at,
    measured_until,
    canaries,
    caught,
    suppressed,
    detection_rate,
    detection_rate_from,
    detection_rate_to
from {{ ref('rule_detection') }}
