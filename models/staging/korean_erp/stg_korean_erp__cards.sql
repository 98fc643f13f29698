-- Grain: one row per landed card and day of issue.
with

landed as (
    select * from {{ source('korean_erp', 'cards') }}
),

final as (
    select
        card_num as card_id,
        user_name as employee_id,
        first_date::timestamp as valid_from,
        cancel_date::timestamp as valid_to,
        case when use_status = '불가' then 'blocked' else 'active' end as status,
        nullif(use_onelmt, 0) as monthly_limit,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
