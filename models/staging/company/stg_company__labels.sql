-- Grain: one row per landed decision on a transaction.
with

landed as (
    select * from {{ source('company', 'labels') }}
),

final as (
    select
        transaction_id,
        misuse,
        decided_at,
        available_at,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
