-- Grain: one row per feature that a detector reads, complete ISO week and comparison.
select
    feature,
    week,
    week_until,
    comparison,
    reference,
    psi,
    psi_threshold,
    js_distance,
    ks,
    reference_rows,
    week_rows,
    bin_count,
    is_drifted
from {{ ref('feature_drift') }}
