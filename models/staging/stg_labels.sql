-- Grain: one row per decision on a transaction.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__labels') }}
    union all by name
    select * from {{ ref('stg_handbook__labels') }}
),

final as (
    select
        transaction_id::varchar as transaction_id,
        misuse::boolean as misuse,
        decided_at::timestamp as decided_at,
        available_at::timestamp as available_at,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
