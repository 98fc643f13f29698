-- Grain: one row per landed version of a transaction of any source.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__card_transactions') }}
    union all by name
    select * from {{ ref('stg_handbook__card_transactions') }}
    union all by name
    select * from {{ ref('stg_birmingham__card_transactions') }}
    union all by name
    select * from {{ ref('stg_visa_vcf4__card_transactions') }}
    union all by name
    select * from {{ ref('stg_mastercard_cdf3__card_transactions') }}
    union all by name
    select * from {{ ref('stg_amex_gl1025__card_transactions') }}
    union all by name
    select * from {{ ref('stg_korean_erp__card_transactions') }}
    union all by name
    select * from {{ ref('stg_korean_issuer__card_transactions') }}
),

final as (
    select
        transaction_id::varchar as transaction_id,
        card_id::varchar as card_id,
        employee_id::varchar as employee_id,
        authorized_at::timestamp as authorized_at,
        authorized_precision::varchar as authorized_precision,
        posted_at::timestamp as posted_at,
        merchant_id::varchar as merchant_id,
        merchant_name::varchar as merchant_name,
        merchant_registration_no::varchar as merchant_registration_no,
        merchant_city::varchar as merchant_city,
        merchant_country::varchar as merchant_country,
        merchant_type::varchar as merchant_type,
        merchant_tax_status::varchar as merchant_tax_status,
        merchant_closed_on::date as merchant_closed_on,
        latitude::double as latitude,
        longitude::double as longitude,
        mcc::varchar as mcc,
        category::varchar as category,
        entry_mode::varchar as entry_mode,
        amount::decimal(18, 4) as amount,
        currency::varchar as currency,
        original_amount::decimal(18, 4) as original_amount,
        original_currency::varchar as original_currency,
        tax_amount::decimal(18, 4) as tax_amount,
        approval_no::varchar as approval_no,
        record_kind::varchar as record_kind,
        line_kind::varchar as line_kind,
        status::varchar as status,
        original_transaction_id::varchar as original_transaction_id,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
