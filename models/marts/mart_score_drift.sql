-- Grain: one row per detector and complete ISO week that its champion scored.
select
    detector,
    week,
    week_until,
    version,
    psi,
    psi_threshold,
    js_distance,
    ks,
    reference_rows,
    week_rows,
    bin_count,
    is_drifted,
    purchase_count,
    high_tail_share,
    high_tail_share_expected
from {{ ref('score_drift') }}
