-- Grain: one row per transaction. The publication assumes that a label is known after seven days.
with

landed as (
    select * from {{ source('handbook', 'transactions') }}
),

final as (
    select
        _key as transaction_id,
        tx_fraud = 1 as misuse,
        tx_datetime::timestamp + interval 7 day as decided_at,
        _load_id as load_id,
        _line as load_line
    from landed
    where tx_fraud is not null
)

select * from final
