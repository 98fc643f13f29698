-- Grain: one row per detector and fitting day: all fitted versions, as the ledger keeps them.
with

final as (
    {%- for detector in ['gradient_boosted_tree'] + var('anomaly_detectors') %}
        select * from {{ ref(detector ~ '__fit') }}
        {{ 'union all by name' if not loop.last }}
    {%- endfor %}
)

select * from final  -- noqa: AM04
