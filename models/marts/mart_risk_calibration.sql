-- Grain: one row per month and bin of risk that has purchases settled by Cardwatch in that month
-- or the ones before it (calibration_months in all).
select
    month,
    risk_from,
    risk_until,
    purchase_count,
    mean_risk,
    decided_count,
    misuse_count,
    misuse_share,
    effective_decisions,
    misuse_share_from,
    misuse_share_to
from {{ ref('risk_calibration') }}
