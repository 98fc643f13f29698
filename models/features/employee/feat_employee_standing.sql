{{ config(unique_key='transaction_date') }}
-- Grain: one row per employee and calendar month with a purchase, on the last day of that month:
-- where the employee stands among all who bought something in it.
with

purchases as (
    select
        employee_id,
        transaction_id,
        last_day(transaction_date) as month_end,
        authorized_at,
        amount_exact
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=31) }}
        -- only months that are over
        and {{ in_build_window('last_day(transaction_date)') }}
        and is_purchase
        and employee_id is not null
),

months as (
    select
        employee_id,
        month_end,
        max_by(transaction_id, row(authorized_at, transaction_id)) as transaction_id,
        count(*) as txn_count,
        sum(amount_exact) as amount_sum
    from purchases
    group by employee_id, month_end
),

final as (
    select
        employee_id,
        month_end as transaction_date,
        strftime(month_end, '%Y-%m') as month,
        transaction_id,
        txn_count::double as employee_txn_count_month,
        amount_sum::double as employee_amount_sum_month,
        -- 0.05 is the first twentieth of the company
        (
            rank() over (partition by month_end order by txn_count desc)
            / count(*) over (partition by month_end)
        )::double as employee_txn_count_place,
        (
            rank() over (partition by month_end order by amount_sum desc)
            / count(*) over (partition by month_end)
        )::double as employee_amount_place
    from months
)

select * from final
