-- Grain: one row per landed filter and transaction.
with

landed as (
    select * from {{ source('company', 'external_hits') }}
),

final as (
    select
        filter,
        transaction_id,
        flagged_at,
        score,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
