-- Grain: one row per hit of a filter outside Cardwatch.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__external_hits') }}
),

final as (
    select
        filter::varchar as filter,
        transaction_id::varchar as transaction_id,
        flagged_at::timestamp as flagged_at,
        score::double as score,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
