-- Grain: one row per month.
select
    month,
    purchase_count,
    decided_count,
    measured_share,
    mean_risk,
    misuse_share,
    calibration_error
from {{ ref('risk_calibration_error') }}
