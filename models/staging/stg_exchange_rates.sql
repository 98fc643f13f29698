-- Grain: one row per landed rate of any source.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__exchange_rates') }}
),

final as (
    select
        day::date as day,
        currency::varchar as currency,
        base_currency::varchar as base_currency,
        rate::double as rate,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
