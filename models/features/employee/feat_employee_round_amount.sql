{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase of a round amount (the round_unit of its currency goes into it) with
-- a known holder: the employee's round amounts at the merchant in the 90 days before, and over all
-- merchants against what others' purchases of the same categories lead one to expect.
with

active as (
    select distinct employee_id from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date') }}
        and is_purchase
        and is_round
        and employee_id is not null
),

category_days as (
    select
        billed_currency as currency,
        coalesce(category, 'unknown') as category_key,
        transaction_date,
        {{ day_number('transaction_date') }} as day,
        count(*) as txn_count,
        count(*) filter (where is_round) as round_count
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=180) }}
        and is_purchase
    group by billed_currency, coalesce(category, 'unknown'), transaction_date
),

-- the chance that a purchase of the category is round, over the 90 whole days before; a category
-- without a past is as likely round as not
category_chances as (
    select
        currency,
        category_key,
        transaction_date,
        (
            (coalesce(sum(round_count) over last_90d, 0) + 1)
            / (coalesce(sum(txn_count) over last_90d, 0) + 2)
        )::decimal(9, 8) as round_chance
    from category_days
    window last_90d as (
        partition by currency, category_key order by day
        range between 90 preceding and 1 preceding
    )
),

purchases as (
    select
        transactions.transaction_id,
        transactions.transaction_date,
        {{ microsecond_number('transactions.authorized_at') }} as microsecond,
        transactions.employee_id,
        transactions.merchant_id,
        transactions.billed_currency as currency,
        transactions.is_round,
        category_chances.round_chance,
        (category_chances.round_chance * (1 - category_chances.round_chance))::decimal(9, 8)
            as round_variance
    from {{ ref('int_transactions') }} as transactions
    inner join category_chances
        on
            transactions.transaction_date = category_chances.transaction_date
            and transactions.billed_currency = category_chances.currency
            and coalesce(transactions.category, 'unknown') = category_chances.category_key
    where
        {{ in_build_window('transactions.transaction_date', lookback=90) }}
        and transactions.is_purchase
        and transactions.employee_id in (select employee_id from active)
),

windowed as (
    select
        transaction_id,
        transaction_date,
        is_round,
        count(*) filter (where is_round) over at_merchant as merchant_round_count,
        count(*) filter (where is_round) over last_90d as round_count,
        sum(round_chance) over last_90d as expected_count,
        sum(round_variance) over last_90d as variance
    from purchases
    window
        at_merchant as (
            partition by employee_id, merchant_id, currency order by microsecond
            range between {{ 90 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        last_90d as (
            partition by employee_id, currency order by microsecond
            range between {{ 90 * 86400 * 1000000 }} preceding and 1 preceding
        )
),

final as (
    select
        transaction_id,
        transaction_date,
        merchant_round_count::double as employee_merchant_round_count_90d,
        round_count::double as employee_round_count_90d,
        coalesce(expected_count, 0)::double as employee_round_expected_90d,
        -- by how many standard deviations there are more than expected
        (round_count - expected_count)::double / nullif(sqrt(variance::double), 0)
            as employee_round_deviation_90d
    from windowed
    where
        is_round
        and {{ in_build_window('transaction_date') }}
)

select * from final
