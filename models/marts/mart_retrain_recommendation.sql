-- Grain: one row per detector.
select
    detector,
    version,
    recommendation,
    reason_en,
    reason_ko,
    drifted_share,
    score_weeks,
    score_drift_weeks,
    attribution_ndcg,
    is_attribution_shifted,
    champion_age_days,
    newer_label_count,
    decided_count,
    precision_gap,
    as_of
from {{ ref('retrain_recommendation') }}
