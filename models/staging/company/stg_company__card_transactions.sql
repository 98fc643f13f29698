-- Grain: one row per landed version of a transaction.
with

landed as (
    select * from {{ source('company', 'card_transactions') }}
),

final as (
    select
        _key as transaction_id,
        card_id,
        employee_id,
        authorized_at,
        coalesce(
            authorized_precision,
            case when _has_time is false then 'day' else 'second' end
        ) as authorized_precision,
        posted_at,
        merchant_id,
        merchant_name,
        merchant_registration_no,
        merchant_city,
        merchant_country,
        merchant_type,
        merchant_tax_status,
        merchant_closed_on,
        latitude,
        longitude,
        mcc,
        category,
        entry_mode,
        amount,
        currency,
        original_amount,
        original_currency,
        tax_amount,
        approval_no,
        coalesce(record_kind, 'purchase') as record_kind,
        line_kind,
        coalesce(status, 'approved') as status,
        original_transaction_id,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
