-- Grain: one row per landed version of a transaction. The format has no time of day.
with

landed as (
    select * from {{ source('visa_vcf4', 'transactions') }}
),

final as (
    select
        _key as transaction_id,
        account_number as card_id,
        transaction_date::timestamp as authorized_at,
        'day' as authorized_precision,
        posting_date::timestamp as posted_at,
        coalesce(card_acceptor_id, md5(lower(supplier_name)), 'unknown') as merchant_id,
        supplier_name as merchant_name,
        supplier_city as merchant_city,
        supplier_country as merchant_country,
        nullif(mcc, '0000') as mcc,
        billing_amount as amount,
        billing_currency as currency,
        source_amount as original_amount,
        source_currency as original_currency,
        nullif(tax_amount, 0) as tax_amount,
        nullif(authorization_number, '0') as approval_no,
        'purchase' as record_kind,
        -- what the issuer books itself has no merchant category
        case
            when nullif(mcc, '0000') is null and billing_amount < 0 then 'payment'
            when nullif(mcc, '0000') is null then 'fee'
            when billing_amount < 0 then 'refund'
            else 'purchase'
        end as line_kind,
        'approved' as status,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
