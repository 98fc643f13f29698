-- Grain: one row per landed version of a purchase.
with

landed as (
    select * from {{ source('korean_issuer', 'purchases') }}
),

final as (
    select
        _key as transaction_id,
        card_no as card_id,
        used_on as authorized_at,
        case when _has_time then 'second' else 'day' end as authorized_precision,
        coalesce(merchant_no, md5(lower(merchant_name))) as merchant_id,
        merchant_name,
        merchant_no as merchant_registration_no,
        trade as category,
        amount,
        'KRW' as currency,
        approval_no,
        'purchase' as record_kind,
        coalesce(state, 'approved') as status,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
