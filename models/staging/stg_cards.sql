-- Grain: one row per card and start of validity.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__cards') }}
    union all by name
    select * from {{ ref('stg_visa_vcf4__cards') }}
    union all by name
    select * from {{ ref('stg_korean_erp__cards') }}
),

final as (
    select
        card_id::varchar as card_id,
        employee_id::varchar as employee_id,
        valid_from::timestamp as valid_from,
        valid_to::timestamp as valid_to,
        status::varchar as status,
        currency::varchar as currency,
        single_limit::decimal(18, 4) as single_limit,
        monthly_limit::decimal(18, 4) as monthly_limit,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
