{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase whose amount the employee paid before, to the cent: how often in 90
-- days at any merchant, and whether it comes month after month at the same one.
with

purchases as (
    select
        transaction_id,
        transaction_date,
        {{ microsecond_number('authorized_at') }} as microsecond,
        {{ day_number('transaction_date') }} as day,
        employee_id,
        merchant_id,
        billed_currency as currency,
        billed_amount as amount_exact
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=95) }}
        and is_purchase
        and employee_id is not null
),

-- what is charged monthly comes on the same day of the month, give or take three
windowed as (
    select
        transaction_id,
        transaction_date,
        count(*) over last_90d as same_amount_count_90d,
        count(*) over at_merchant_95d as merchant_same_amount_count_95d,
        count(*) over a_month_before as month_1_count,
        count(*) over two_months_before as month_2_count,
        count(*) over three_months_before as month_3_count
    from purchases
    window
        last_90d as (
            partition by employee_id, currency, amount_exact order by microsecond
            range between {{ 90 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        at_merchant_95d as (
            partition by employee_id, merchant_id, currency, amount_exact order by day
            range between 95 preceding and 1 preceding
        ),
        a_month_before as (
            partition by employee_id, merchant_id, currency, amount_exact order by day
            range between 34 preceding and 25 preceding
        ),
        two_months_before as (
            partition by employee_id, merchant_id, currency, amount_exact order by day
            range between 65 preceding and 56 preceding
        ),
        three_months_before as (
            partition by employee_id, merchant_id, currency, amount_exact order by day
            range between 95 preceding and 86 preceding
        )
),

final as (
    select
        transaction_id,
        transaction_date,
        same_amount_count_90d::double as employee_same_amount_count_90d,
        merchant_same_amount_count_95d::double as employee_merchant_same_amount_count_95d,
        case
            when month_1_count = 0 then 0
            when month_2_count = 0 then 1
            when month_3_count = 0 then 2
            -- with the purchase itself, the most that the rule may ask for
            else {{ rule_reach('merchant_011', 'minimum_payments', 'to', fixed=4) }} - 1
        end::double as employee_merchant_same_amount_months
    from windowed
    where
        {{ in_build_window('transaction_date') }}
        and (
            same_amount_count_90d + 1
            >= {{ rule_reach('cash_like_006', 'minimum_purchases', 'from') }}
            or merchant_same_amount_count_95d + 1
            >= {{ rule_reach('merchant_011', 'minimum_payments', 'from') }}
        )
)

select * from final
