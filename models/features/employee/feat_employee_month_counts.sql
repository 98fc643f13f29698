{{ config(unique_key='transaction_date') }}
-- Grain: one row per month, on its last day, employee with as many purchases in the twelve calendar
-- months until then as cash_like_005 or 007 may ask for, category, first two digits and kind of
-- ending of the amount: how many of these purchases there were; and the same for everybody
-- together, without an employee and in every currency. Digits of few purchases say nothing.
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
        transactions.billed_currency as currency,
        coalesce(transactions.category, 'unknown') as category_key,
        date_trunc('month', transactions.transaction_date)::date as month,
        substr((transactions.billed_amount * 100)::bigint::varchar, 1, 2) as first_digits,
        -- the digit below the round unit, of won the thousands; of a smaller amount it is the first
        case
            when transactions.billed_amount >= currencies.round_unit
                then
                    floor(transactions.billed_amount * 10 / currencies.round_unit)::bigint % 10
                    in (0, 5)
        end as is_invented_ending
    from {{ ref('int_transactions') }} as transactions
    inner join {{ ref('currencies') }} as currencies
        on transactions.billed_currency = currencies.currency
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
        count(*) as txn_count
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
            order by sum(monthly.txn_count) desc, monthly.currency asc
        ) as place
    from months_in_window
    inner join monthly on months_in_window.month = monthly.month
    where monthly.employee_id is not null
    group by months_in_window.month_end, monthly.employee_id, monthly.currency
    having
        sum(monthly.txn_count) >= least(
            {{ rule_reach('cash_like_005', 'minimum_purchases', 'from') }},
            {{ rule_reach('cash_like_007', 'minimum_purchases', 'from') }}
        )
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
        sum(monthly.txn_count)::bigint as txn_count
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
        sum(monthly.txn_count)::bigint as txn_count
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

final as (
    select
        own.month_end as transaction_date,
        own.employee_id,
        own.currency,
        own.category_key,
        own.first_digits,
        own.is_invented_ending,
        own.txn_count,
        subjects.transaction_id
    from own
    inner join subjects
        on
            own.month_end = subjects.month_end
            and own.employee_id = subjects.employee_id
    union all
    select
        everybody.month_end as transaction_date,
        null as employee_id,
        everybody.currency,
        everybody.category_key,
        everybody.first_digits,
        everybody.is_invented_ending,
        everybody.txn_count,
        null as transaction_id
    from everybody
    semi join subjects
        on
            everybody.month_end = subjects.month_end
            and everybody.currency = subjects.currency
)

select * from final
