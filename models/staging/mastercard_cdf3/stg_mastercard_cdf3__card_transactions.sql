-- Grain: one row per landed version of a transaction. The format has no time of day.
with

landed as (
    select * from {{ source('mastercard_cdf3', 'transactions') }}
),

final as (
    select
        _key as transaction_id,
        account_number as card_id,
        employee_id,
        transaction_date::timestamp as authorized_at,
        'day' as authorized_precision,
        posting_date::timestamp as posted_at,
        coalesce(card_acceptor_id, md5(lower(card_acceptor_name)), 'unknown') as merchant_id,
        card_acceptor_name as merchant_name,
        card_acceptor_tax_id as merchant_registration_no,
        card_acceptor_city as merchant_city,
        card_acceptor_country as merchant_country,
        nullif(mcc, '0000') as mcc,
        billing_amount as amount,
        billing_currency as currency,
        original_amount,
        original_currency,
        nullif(tax_amount, 0) as tax_amount,
        approval_code as approval_no,
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
