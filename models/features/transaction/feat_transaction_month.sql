{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase with something to say about the month before it: with other cards of
-- the department at the merchant it is a sum that limit_evasion_007 may ask for, or the card paid
-- exactly this sum there on other days, or the holder spent on taxis, fuel or bars before in the
-- month.
-- Windows of 30 days end strictly before the purchase; days of equal amounts are whole days.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        {{ microsecond_number('authorized_at') }} as microsecond,
        date_trunc('month', transaction_date) as transaction_month,
        card_id,
        coalesce(employee_id, card_id) as holder_id,
        department_id,
        merchant_id,
        case when is_capped then category end as capped_category,
        amount_exact
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=30) }}
        and is_purchase
),

windowed as (
    select
        *,
        count(*) over department_merchant_30d as department_count,
        sum(amount_exact) over department_merchant_30d as department_sum,
        count(*) over department_card_merchant_30d as own_count,
        sum(amount_exact) over holder_category_month as holder_category_sum
    from transactions
    window
        department_merchant_30d as (
            partition by department_id, merchant_id order by microsecond
            range between {{ 30 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        department_card_merchant_30d as (
            partition by department_id, merchant_id, card_id order by microsecond
            range between {{ 30 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        holder_category_month as (
            partition by holder_id, capped_category, transaction_month order by microsecond
            range between unbounded preceding and 1 preceding
        )
),

-- equal amounts on two days are rare: only they are looked at
repeated_amounts as (
    select
        card_id,
        merchant_id,
        amount_exact
    from transactions
    group by card_id, merchant_id, amount_exact
    having min(transaction_date) < max(transaction_date)
),

amount_days as (
    select distinct
        transactions.card_id,
        transactions.merchant_id,
        transactions.amount_exact,
        transactions.transaction_date
    from transactions
    inner join repeated_amounts
        on
            transactions.card_id = repeated_amounts.card_id
            and transactions.merchant_id = repeated_amounts.merchant_id
            and transactions.amount_exact = repeated_amounts.amount_exact
),

equal_amounts as (
    select
        *,
        count(*) over (
            partition by card_id, merchant_id, amount_exact
            order by {{ day_number('transaction_date') }}
            range between 30 preceding and 1 preceding
        ) as equal_days
    from amount_days
),

joined as (
    select
        windowed.*,
        case
            when windowed.department_id is not null
                then windowed.department_count - windowed.own_count
        end as other_card_count,
        equal_amounts.equal_days
    from windowed
    left outer join equal_amounts
        on
            windowed.transaction_date = equal_amounts.transaction_date
            and windowed.card_id = equal_amounts.card_id
            and windowed.merchant_id = equal_amounts.merchant_id
            and windowed.amount_exact = equal_amounts.amount_exact
    where {{ in_build_window('windowed.transaction_date') }}
),

final as (
    select
        transaction_id,
        transaction_date,
        other_card_count::double as department_merchant_other_card_txn_count_30d,
        case when department_id is not null then department_count end::double
            as department_merchant_txn_count_30d,
        case when department_id is not null then coalesce(department_sum, 0) end::double
            as department_merchant_amount_sum_30d,
        coalesce(equal_days, 0)::double as card_merchant_same_amount_days_30d,
        case when capped_category is not null then coalesce(holder_category_sum, 0) end::double
            as holder_category_amount_sum_month
    from joined
    where
        (
            other_card_count > 0
            and department_sum + amount_exact
            > {{ rule_reach('limit_evasion_007', 'maximum_sum_30d', 'from') }}
        )
        or coalesce(equal_days, 0) + 1
        between {{ rule_reach('limit_evasion_008', 'minimum_days', 'from') }}
        and {{ rule_reach('limit_evasion_008', 'minimum_days', 'to', fixed=31) }}
        or (capped_category is not null and holder_category_sum > 0)
)

select * from final
