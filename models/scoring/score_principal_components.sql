{{ config(materialized='view', contract={'enforced': true}) }}
-- Grain: one row per purchase: the gate that gives the Python model's scores their contract.
with

scores as (
    select * from {{ ref('principal_components__scores') }}
),

final as (
    select
        transaction_id::varchar as transaction_id,
        transaction_date::date as transaction_date,
        score::double as score,
        tail::double as tail,
        probability::double as probability,
        version::varchar as version,
        reasons,
        nearest::varchar[] as nearest
    from scores
)

select * from final
