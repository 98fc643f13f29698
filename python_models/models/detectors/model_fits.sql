-- Grain: one row per detector and fitting day: all fitted versions, as the ledger keeps them.
with

final as (
    select * from {{ ref('gradient_boosted_tree__fit') }}
    union all by name
    select * from {{ ref('anomaly__fit') }}
)

select * from final  -- noqa: AM04
