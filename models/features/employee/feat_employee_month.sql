{{ config(unique_key='transaction_date') }}
-- Grain: one row per employee and month with a purchase, on the last day of that month: first
-- digits and endings of the employee's amounts over the twelve calendar months until then, against
-- what others paid in the same categories. Price lists and limits bend the digits of everybody, so
-- that others say what is usual, and not a law of nature. Below 200 purchases digits say nothing,
-- nor do categories with fewer than 100 purchases of others.
with

-- only months that are over: until then another purchase may be the last one
month_ends as (
    select distinct last_day(transaction_date) as month_end
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=31) }}
        and {{ in_build_window('last_day(transaction_date)') }}
),

purchases as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.employee_id,
        transactions.currency,
        coalesce(transactions.category, 'unknown') as category_key,
        date_trunc('month', transactions.transaction_date)::date as month,
        substr((transactions.amount_exact * 100)::bigint::varchar, 1, 2) as first_digits,
        -- the digit below the round unit, of won the thousands; of a smaller amount it is the first
        case
            when transactions.amount_exact >= currencies.round_unit
                then
                    floor(transactions.amount_exact * 10 / currencies.round_unit)::bigint % 10
                    in (0, 5)
        end as is_invented_ending
    from {{ ref('int_transactions') }} as transactions
    inner join {{ ref('currencies') }} as currencies
        on transactions.currency = currencies.currency
    where
        {{ in_build_window('transactions.transaction_date', lookback=366) }}
        and transactions.transaction_date > (select min(month_end) - 367 from month_ends)
        and transactions.is_purchase
),

monthly as (
    select
        employee_id,
        currency,
        category_key,
        month,
        first_digits,
        is_invented_ending,
        count(*) as n
    from purchases
    group by employee_id, currency, category_key, month, first_digits, is_invented_ending
),

months_in_window as (
    select distinct
        month_ends.month_end,
        monthly.month
    from month_ends
    inner join monthly
        on
            month_ends.month_end >= monthly.month
            and month_ends.month_end < monthly.month + interval 12 month
),

last_purchases as (
    select
        employee_id,
        currency,
        month,
        max_by(transaction_id, row(authorized_at, transaction_id)) as transaction_id
    from purchases
    where employee_id is not null
    group by employee_id, currency, month
),

-- who bought enough, and in which currency most
frequent as (
    select
        months_in_window.month_end,
        monthly.employee_id,
        monthly.currency,
        row_number() over (
            partition by months_in_window.month_end, monthly.employee_id
            order by sum(monthly.n) desc, monthly.currency asc
        ) as place
    from months_in_window
    inner join monthly on months_in_window.month = monthly.month
    where monthly.employee_id is not null
    group by months_in_window.month_end, monthly.employee_id, monthly.currency
    having sum(monthly.n) >= 200
),

subjects as (
    select
        frequent.month_end,
        frequent.employee_id,
        frequent.currency,
        last_purchases.transaction_id
    from frequent
    inner join last_purchases
        on
            frequent.employee_id = last_purchases.employee_id
            and frequent.currency = last_purchases.currency
            and date_trunc('month', frequent.month_end)::date = last_purchases.month
    where frequent.place = 1
),

everybody as (
    select
        months_in_window.month_end,
        monthly.currency,
        monthly.category_key,
        monthly.first_digits,
        monthly.is_invented_ending,
        sum(monthly.n)::bigint as n
    from months_in_window
    inner join monthly on months_in_window.month = monthly.month
    group by
        months_in_window.month_end,
        monthly.currency,
        monthly.category_key,
        monthly.first_digits,
        monthly.is_invented_ending
),

own as (
    select
        subjects.month_end,
        subjects.employee_id,
        subjects.currency,
        monthly.category_key,
        monthly.first_digits,
        monthly.is_invented_ending,
        sum(monthly.n)::bigint as n
    from subjects
    inner join months_in_window on subjects.month_end = months_in_window.month_end
    inner join monthly
        on
            months_in_window.month = monthly.month
            and subjects.employee_id = monthly.employee_id
            and subjects.currency = monthly.currency
    group by
        subjects.month_end,
        subjects.employee_id,
        subjects.currency,
        monthly.category_key,
        monthly.first_digits,
        monthly.is_invented_ending
),

category_totals as (
    select
        month_end,
        currency,
        category_key,
        sum(n)::bigint as n,
        coalesce(sum(n) filter (where is_invented_ending is not null), 0)::bigint as ending_n,
        coalesce(sum(n) filter (where is_invented_ending), 0)::bigint as invented_n
    from everybody
    group by month_end, currency, category_key
),

own_totals as (
    select
        month_end,
        employee_id,
        currency,
        category_key,
        sum(n)::bigint as n,
        coalesce(sum(n) filter (where is_invented_ending is not null), 0)::bigint as ending_n,
        coalesce(sum(n) filter (where is_invented_ending), 0)::bigint as invented_n
    from own
    group by month_end, employee_id, currency, category_key
),

compared as (
    select
        own_totals.month_end,
        own_totals.employee_id,
        own_totals.currency,
        own_totals.category_key,
        own_totals.n,
        own_totals.ending_n,
        own_totals.invented_n,
        category_totals.n - own_totals.n as others_n,
        (category_totals.invented_n - own_totals.invented_n)
        / nullif(category_totals.ending_n - own_totals.ending_n, 0) as invented_chance
    from own_totals
    inner join category_totals
        on
            own_totals.month_end = category_totals.month_end
            and own_totals.currency = category_totals.currency
            and own_totals.category_key = category_totals.category_key
    where category_totals.n - own_totals.n >= 100
),

-- sums of decimals do not depend on the order of the rows
endings as (
    select
        month_end,
        employee_id,
        sum(n)::bigint as n,
        coalesce(sum(ending_n) filter (where invented_chance is not null), 0)::bigint as ending_n,
        coalesce(sum(invented_n) filter (where invented_chance is not null), 0)::bigint
            as invented_n,
        sum((ending_n * invented_chance)::decimal(18, 8))::double as expected_n,
        sum((ending_n * invented_chance * (1 - invented_chance))::decimal(18, 8))::double
            as variance
    from compared
    group by month_end, employee_id
),

category_digits as (
    select
        month_end,
        currency,
        category_key,
        first_digits,
        sum(n)::bigint as n
    from everybody
    group by month_end, currency, category_key, first_digits
),

own_digits as (
    select
        month_end,
        employee_id,
        category_key,
        first_digits,
        sum(n)::bigint as n
    from own
    group by month_end, employee_id, category_key, first_digits
),

digits as (
    select
        compared.month_end,
        compared.employee_id,
        category_digits.first_digits,
        sum(coalesce(own_digits.n, 0))::bigint as n,
        sum(
            (
                compared.n * (category_digits.n - coalesce(own_digits.n, 0)) / compared.others_n
            )::decimal(18, 8)
        )::double as expected_n
    from compared
    inner join category_digits
        on
            compared.month_end = category_digits.month_end
            and compared.currency = category_digits.currency
            and compared.category_key = category_digits.category_key
    left outer join own_digits
        on
            compared.month_end = own_digits.month_end
            and compared.employee_id = own_digits.employee_id
            and compared.category_key = own_digits.category_key
            and category_digits.first_digits = own_digits.first_digits
    group by compared.month_end, compared.employee_id, category_digits.first_digits
),

deviations as (
    select
        digits.month_end,
        digits.employee_id,
        sum(abs(digits.n - digits.expected_n)::decimal(18, 8))::double as deviation,
        -- what chance alone makes of it: the mean deviation of a binomial count
        sum(
            sqrt(
                2 / pi() * digits.expected_n * greatest(1 - digits.expected_n / endings.n, 0)
            )::decimal(18, 8)
        )::double as deviation_by_chance
    from digits
    inner join endings
        on
            digits.month_end = endings.month_end
            and digits.employee_id = endings.employee_id
    group by digits.month_end, digits.employee_id
),

final as (
    select
        subjects.employee_id,
        strftime(subjects.month_end, '%Y-%m') as month,
        subjects.month_end as transaction_date,
        subjects.transaction_id,
        endings.n::double as employee_compared_count_12m,
        -- there are 90 pairs of first digits
        deviations.deviation / endings.n / 90 as employee_first_digits_mad_12m,
        deviations.deviation / nullif(deviations.deviation_by_chance, 0)
            as employee_first_digits_ratio_12m,
        endings.ending_n::double as employee_ending_count_12m,
        endings.invented_n / nullif(endings.ending_n, 0)
            as employee_invented_ending_share_12m,
        endings.expected_n / nullif(endings.ending_n, 0)
            as employee_invented_ending_expected_12m,
        (endings.invented_n - endings.expected_n) / nullif(sqrt(endings.variance), 0)
            as employee_invented_ending_deviation_12m
    from subjects
    inner join endings
        on
            subjects.month_end = endings.month_end
            and subjects.employee_id = endings.employee_id
    inner join deviations
        on
            subjects.month_end = deviations.month_end
            and subjects.employee_id = deviations.employee_id
)

select * from final
