{{ config(unique_key='transaction_date') }}
-- Grain: one row per employee and month with a purchase, on the last day of that month: first
-- digits and endings of the employee's amounts over the twelve calendar months until then, against
-- what others paid in the same categories. Price lists and limits bend the digits of everybody, so
-- that others say what is usual, and not a law of nature. Categories with fewer than 100 purchases
-- of others say nothing.
with

counts as (
    select
        * exclude (transaction_date),
        transaction_date as month_end
    from {{ ref('feat_employee_month_counts') }}
    where {{ in_build_window('transaction_date') }}
),

-- who bought enough for digits to say something
subjects as (
    select distinct
        month_end,
        employee_id,
        currency,
        transaction_id
    from counts
    where employee_id is not null
),

everybody as (
    select * from counts
    where employee_id is null
),

own as (
    select * from counts
    where employee_id is not null
),

category_totals as (
    select
        month_end,
        currency,
        category_key,
        sum(txn_count)::bigint as txn_count,
        coalesce(sum(txn_count) filter (where is_invented_ending is not null), 0)::bigint
            as ending_count,
        coalesce(sum(txn_count) filter (where is_invented_ending), 0)::bigint as invented_count
    from everybody
    group by month_end, currency, category_key
),

own_totals as (
    select
        month_end,
        employee_id,
        currency,
        category_key,
        sum(txn_count)::bigint as txn_count,
        coalesce(sum(txn_count) filter (where is_invented_ending is not null), 0)::bigint
            as ending_count,
        coalesce(sum(txn_count) filter (where is_invented_ending), 0)::bigint as invented_count
    from own
    group by month_end, employee_id, currency, category_key
),

compared as (
    select
        own_totals.month_end,
        own_totals.employee_id,
        own_totals.currency,
        own_totals.category_key,
        own_totals.txn_count,
        own_totals.ending_count,
        own_totals.invented_count,
        category_totals.txn_count - own_totals.txn_count as others_count,
        (category_totals.invented_count - own_totals.invented_count)
        / nullif(category_totals.ending_count - own_totals.ending_count, 0) as invented_chance
    from own_totals
    inner join category_totals
        on
            own_totals.month_end = category_totals.month_end
            and own_totals.currency = category_totals.currency
            and own_totals.category_key = category_totals.category_key
    where category_totals.txn_count - own_totals.txn_count >= 100
),

-- sums of decimals do not depend on the order of the rows
endings as (
    select
        month_end,
        employee_id,
        sum(txn_count)::bigint as txn_count,
        coalesce(sum(ending_count) filter (where invented_chance is not null), 0)::bigint
            as ending_count,
        coalesce(sum(invented_count) filter (where invented_chance is not null), 0)::bigint
            as invented_count,
        sum((ending_count * invented_chance)::decimal(18, 8))::double as expected_count,
        sum((ending_count * invented_chance * (1 - invented_chance))::decimal(18, 8))::double
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
        sum(txn_count)::bigint as txn_count
    from everybody
    group by month_end, currency, category_key, first_digits
),

own_digits as (
    select
        month_end,
        employee_id,
        category_key,
        first_digits,
        sum(txn_count)::bigint as txn_count
    from own
    group by month_end, employee_id, category_key, first_digits
),

digits as (
    select
        compared.month_end,
        compared.employee_id,
        category_digits.first_digits,
        sum(coalesce(own_digits.txn_count, 0))::bigint as txn_count,
        sum(
            (
                compared.txn_count
                * (category_digits.txn_count - coalesce(own_digits.txn_count, 0))
                / compared.others_count
            )::decimal(18, 8)
        )::double as expected_count
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
        sum(abs(digits.txn_count - digits.expected_count)::decimal(18, 8))::double as deviation,
        -- what chance alone makes of it: the mean deviation of a binomial count
        sum(
            sqrt(
                2 / pi() * digits.expected_count
                * greatest(1 - digits.expected_count / endings.txn_count, 0)
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
        endings.txn_count::double as employee_compared_count_12m,
        -- there are 90 pairs of first digits
        deviations.deviation / endings.txn_count / 90 as employee_first_digits_mad_12m,
        deviations.deviation / nullif(deviations.deviation_by_chance, 0)
            as employee_first_digits_ratio_12m,
        endings.ending_count::double as employee_ending_count_12m,
        endings.invented_count / nullif(endings.ending_count, 0)
            as employee_invented_ending_share_12m,
        endings.expected_count / nullif(endings.ending_count, 0)
            as employee_invented_ending_expected_12m,
        (endings.invented_count - endings.expected_count) / nullif(sqrt(endings.variance), 0)
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
