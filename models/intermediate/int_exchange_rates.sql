{{ config(materialized='view') }}
-- Grain: one row per currency and time from valid_from until valid_until: what one unit of it is
-- worth in the company's currency. A landed rate holds until the next one, and at most for
-- rate_valid_days; where none holds, the illustrative rate of the seed does, if it has one.
with

quotes as (
    select
        day,
        currency,
        base_currency,
        max_by(rate, row(load_id, load_line)) as rate
    from {{ ref('stg_exchange_rates') }}
    group by day, currency, base_currency
    union all
    select
        null as day,
        currency,
        base_currency,
        rate
    from {{ ref('exchange_rates') }}
),

-- a base is worth one of itself, so a rate to the company's currency is always one by another
quotes_and_bases as (
    select * from quotes
    union all
    select distinct
        day,
        base_currency as currency,
        base_currency,
        1 as rate
    from quotes
),

to_company as (
    select
        quoted.day,
        quoted.currency,
        -- of several ways the direct one
        min_by(
            quoted.rate / own.rate,
            row(quoted.base_currency <> company.currency, quoted.base_currency)
        ) as rate
    from quotes_and_bases as quoted
    cross join {{ ref('company') }} as company
    inner join quotes_and_bases as own
        on
            quoted.day is not distinct from own.day
            and quoted.base_currency = own.base_currency
            and company.currency = own.currency
    where quoted.currency <> company.currency
    group by quoted.day, quoted.currency
),

landed as (
    select
        currency,
        day as valid_from,
        rate,
        lead(day, 1, date '9999-12-31') over (partition by currency order by day) as next_day
    from to_company
    where day is not null
),

periods as (
    select
        currency,
        valid_from,
        least(next_day, valid_from + {{ var('rate_valid_days') }})::date as valid_until,
        rate,
        next_day
    from landed
),

gaps as (
    select
        currency,
        valid_until as valid_from,
        next_day as valid_until
    from periods
    where valid_until < next_day
    union all
    select
        to_company.currency,
        date '1900-01-01' as valid_from,
        coalesce(min(periods.valid_from), date '9999-12-31') as valid_until
    from to_company
    left outer join periods on to_company.currency = periods.currency
    where to_company.day is null
    group by to_company.currency
),

final as (
    select
        currency,
        valid_from,
        valid_until,
        rate,
        false as is_illustrative
    from periods
    union all
    select
        gaps.currency,
        gaps.valid_from,
        gaps.valid_until,
        to_company.rate,
        true as is_illustrative
    from gaps
    inner join to_company
        on
            gaps.currency = to_company.currency
            and to_company.day is null
)

select * from final
