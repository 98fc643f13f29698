{{ config(materialized='view', contract={'enforced': true}) }}
-- Grain: one row per purchase and detector that needs no labels: the gate that gives the Python
-- model's scores their contract.
with

scores as (
    select * from {{ ref('anomaly__scores') }}
),

final as (
    select
        detector::varchar as detector,
        transaction_id::varchar as transaction_id,
        transaction_date::date as transaction_date,
        score::double as score,
        tail::double as tail,
        version::varchar as version,
        reasons,
        nearest::varchar[] as nearest
    from scores
)

select * from final
