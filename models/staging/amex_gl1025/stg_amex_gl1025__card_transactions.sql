-- Grain: one row per landed version of a transaction. The format has no time of day.
with

landed as (
    select * from {{ source('amex_gl1025', 'transactions') }}
),

final as (
    select
        _key as transaction_id,
        coalesce(originating_account, billing_account) as card_id,
        charge_date::timestamp as authorized_at,
        'day' as authorized_precision,
        business_date::timestamp as posted_at,
        coalesce(
            establishment_number, md5(lower(coalesce(establishment_name, description_1))), 'unknown'
        ) as merchant_id,
        coalesce(establishment_name, brand_name, description_1) as merchant_name,
        nullif(mcc, '0000') as mcc,
        billed_amount as amount,
        billed_currency as currency,
        local_amount as original_amount,
        local_currency as original_currency,
        'purchase' as record_kind,
        -- what the issuer books itself has no merchant category
        case
            when nullif(mcc, '0000') is null and billed_amount < 0 then 'payment'
            when nullif(mcc, '0000') is null then 'fee'
            when billed_amount < 0 then 'refund'
            else 'purchase'
        end as line_kind,
        'approved' as status,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
