-- Grain: one row per landed card and start of validity.
with

landed as (
    select * from {{ source('company', 'cards') }}
),

final as (
    select
        card_id,
        employee_id,
        valid_from,
        valid_to,
        coalesce(status, 'active') as status,
        currency,
        single_limit,
        monthly_limit,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
