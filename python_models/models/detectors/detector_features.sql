-- Grain: one row per feature that a detector may read: those of the vector, and for the tree what
-- rules and the other detectors say of a purchase.
with

final as (
    select * from {{ ref('feature_catalog') }}
    union all by name
    select * from {{ ref('tree_signals') }}
)

select * from final  -- noqa: AM04
