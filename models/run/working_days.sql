-- Grain: one row per day, from a month before the first transaction to 400 days after the last
-- day that is built, because deadlines lie ahead: is it a working day in the company's country?
with

landed as (
    select min(authorized_at)::date as first_day
    from {{ ref('stg_card_transactions') }}
),

spans as (
    select
        landed.first_day - 31 as first_day,
        build_window.built_until + 400 - (landed.first_day - 31) as last_number
    from landed
    cross join {{ ref('build_window') }} as build_window
),

numbered as (
    select
        first_day,
        unnest(range(0, last_number + 1))::integer as day_number
    from spans
),

days as (
    select (first_day + day_number)::date as day
    from numbered
),

known as (
    select
        days.day,
        not contains(company.weekend_days, {{ iso_weekday('days.day') }}::varchar)
        and holidays.holiday_date is null as is_working_day
    from days
    cross join {{ ref('company') }} as company
    left outer join {{ ref('holidays') }} as holidays
        on
            days.day = holidays.holiday_date
            and company.country = holidays.country
),

final as (
    select
        day,
        is_working_day,
        min(case when is_working_day then day end) over (
            order by day rows between current row and unbounded following
        ) as next_working_day,
        sum(case when is_working_day then 1 else 0 end) over (
            order by day rows between unbounded preceding and current row
        )::integer as working_day_number
    from known
)

select * from final
order by day
