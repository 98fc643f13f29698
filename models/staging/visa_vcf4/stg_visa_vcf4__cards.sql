-- Grain: one row per landed card account and the day from which it holds.
with

landed as (
    select * from {{ source('visa_vcf4', 'cards') }}
),

final as (
    select
        account_number as card_id,
        cardholder_id as employee_id,
        effective_date::timestamp as valid_from,
        closed_date::timestamp as valid_to,
        'active' as status,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
