{{ config(materialized='view') }}
-- Grain: one row per card and moment from which a row of the cards feed holds: the card as it was
-- from then until the next row begins. Every value that a row leaves out is carried forward from
-- the last one that gave it; of several rows for one moment the last one holds.
with

reported as (
    select
        cards.* exclude (single_limit, monthly_limit),
        {{ in_company_currency('cards.single_limit', 'cards.currency') }} as single_limit,
        {{ in_company_currency('cards.monthly_limit', 'cards.currency') }} as monthly_limit,
        case
            when coalesce(cards.single_limit, cards.monthly_limit) is not null then cards.valid_from
        end as limit_reported_at
    from {{ ref('stg_cards') }} as cards
    {{ join_rates('cards.currency', 'cards.valid_from::date') }}
),

known as (
    select
        card_id,
        valid_from,
        lead(valid_from, 1, timestamp '9999-12-31') over until_then as next_valid_from,
        valid_to,
        {{ last_known('employee_id', 'until_then') }} as employee_id,
        {{ last_known('status', 'until_then') }} as status,
        {{ last_known('single_limit', 'until_then') }} as single_limit,
        {{ last_known('monthly_limit', 'until_then') }} as monthly_limit,
        {{ last_known('limit_reported_at', 'until_then') }} as limit_reported_at
    from reported
    window until_then as (
        partition by card_id order by valid_from asc, load_id asc, load_line asc
        rows between unbounded preceding and current row
    )
),

final as (
    select * from known
    where valid_from < next_valid_from
)

select * from final
