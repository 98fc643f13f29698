-- Grain: one row per row of review_budget, with the days on which it holds. The first budget also
-- holds for the days before it: somebody may buy, and decide, before anybody sets a budget.
with

budget as (
    select * from {{ ref('review_budget') }}
),

final as (
    select
        case
            when lag(valid_from) over (order by valid_from) is not null then valid_from
            else date '0001-01-01'
        end as valid_from,
        coalesce(lead(valid_from) over (order by valid_from), date '9999-12-31') as valid_to,
        cases_per_day,
        novelty_share,
        audit_share,
        audit_uniform_share,
        second_review_share
    from budget
)

select * from final
