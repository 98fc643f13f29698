-- Grain: one row per detector, complete month and feature that it named in that month, in the
-- one before or in the reference month.
select
    detector,
    month,
    feature,
    version,
    reference_month,
    explained_count,
    share,
    place,
    previous_share,
    reference_share,
    ndcg,
    is_shifted
from {{ ref('attribution_trend') }}
