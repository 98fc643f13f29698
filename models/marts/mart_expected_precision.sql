-- Grain: one row per complete ISO week of alerts.
select
    week,
    alert_count,
    decided_count,
    expected_precision,
    expected_precision_of_decided,
    realised_precision,
    calibration_decisions,
    calibration_effective_decisions,
    note
from {{ ref('expected_precision') }}
