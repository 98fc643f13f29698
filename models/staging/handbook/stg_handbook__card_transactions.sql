-- Grain: one row per landed version of a transaction. Customer = card, terminal = merchant.
with

landed as (
    select * from {{ source('handbook', 'transactions') }}
),

final as (
    select
        _key as transaction_id,
        'customer_' || customer_id as card_id,
        tx_datetime::timestamp as authorized_at,
        'second' as authorized_precision,
        'terminal_' || terminal_id as merchant_id,
        tx_amount as amount,
        'EUR' as currency,
        'purchase' as record_kind,
        'approved' as status,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
