-- Grain: one row per landed rate.
with

landed as (
    select * from {{ source('company', 'exchange_rates') }}
),

final as (
    select
        day,
        currency,
        base_currency,
        rate,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
