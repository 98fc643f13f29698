{{ config(unique_key='transaction_date') }}
-- Grain: one row per employee and day with a transaction and enough purchases before it: how far
-- the mix of categories of the last week is from that of the days 8 to 90 before.
-- Three purchases do not make a mix. The week is therefore smoothed by as many purchases in the
-- earlier proportions as are set here: spread evenly, they would themselves look like a change.
{% set smoothing = 5 %}
with

shifts as (
    select
        employee_id,
        transaction_date,
        {{ day_number('transaction_date') }} as day,
        employee_txn_count_7d as week_count,
        employee_txn_count_90d - employee_txn_count_7d as earlier_count
    from {{ ref('feat_employee_history') }}
    where
        {{ in_build_window('transaction_date') }}
        and employee_txn_count_7d >= 3
        and employee_txn_count_90d - employee_txn_count_7d >= 10
),

purchases as (
    select
        employee_id,
        category_key,
        {{ day_number('transaction_date') }} as day,
        txn_count
    from {{ ref('feat_employee_category_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=90) }}
        and employee_id in (select employee_id from shifts)
),

categories as (
    select distinct
        employee_id,
        category_key
    from purchases
),

-- a category has its windows on every day that is asked for, with a purchase in it or without
days as (
    select
        employee_id,
        category_key,
        day,
        txn_count,
        false as is_asked_for
    from purchases
    union all
    select
        shifts.employee_id,
        categories.category_key,
        shifts.day,
        0 as txn_count,
        true as is_asked_for
    from shifts
    inner join categories on shifts.employee_id = categories.employee_id
),

windowed as (
    select
        employee_id,
        day,
        is_asked_for,
        sum(txn_count) over last_7d as week_count,
        sum(txn_count) over days_8_to_90 as earlier_count
    from days
    window
        last_7d as (
            partition by employee_id, category_key order by day
            range between 7 preceding and 1 preceding
        ),
        days_8_to_90 as (
            partition by employee_id, category_key order by day
            range between 90 preceding and 8 preceding
        )
),

shares as (
    select
        shifts.employee_id,
        shifts.transaction_date,
        coalesce(windowed.earlier_count, 0) / shifts.earlier_count as earlier_share,
        (coalesce(windowed.week_count, 0) + {{ smoothing }} * earlier_share)
        / (shifts.week_count + {{ smoothing }}) as week_share
    from windowed
    inner join shifts
        on
            windowed.employee_id = shifts.employee_id
            and windowed.day = shifts.day
    where
        windowed.is_asked_for
        and coalesce(windowed.earlier_count, 0) + coalesce(windowed.week_count, 0) > 0
),

divergences as (
    select
        employee_id,
        transaction_date,
        case
            when earlier_share = 0 then week_share / 2
            else
                (
                    week_share * log2(2 * week_share / (week_share + earlier_share))
                    + earlier_share * log2(2 * earlier_share / (week_share + earlier_share))
                ) / 2
        end as divergence
    from shares
),

final as (
    select
        employee_id,
        transaction_date,
        -- decimals, whose sum does not depend on the order of categories
        sqrt(sum(divergence::decimal(18, 15))::double) as employee_category_shift_7d
    from divergences
    group by employee_id, transaction_date
)

select * from final
