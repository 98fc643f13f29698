{{ config(unique_key='transaction_date') }}
-- Grain: one row per employee and day with a transaction: at how many merchants the purchases of
-- the days before were, and how concentrated on few of them. Every purchase enters a window on the
-- day after it and leaves it so many days later, alone or beside others of the same pair. What has
-- entered until now, less what has left, is the number of pairs in the window and the sum of the
-- squares of their counts.
with

active as (
    select distinct employee_id from {{ ref('feat_employee_daily') }}
    where {{ in_build_window('transaction_date') }}
),

daily as (
    select
        employee_id,
        transaction_date,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_employee_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=180) }}
        and employee_id in (select employee_id from active)
),

pairs as (
    select
        employee_id,
        txn_count,
        {{ day_number('transaction_date') }} as day,
        lag({{ day_number('transaction_date') }}) over pair as day_before,
        lead({{ day_number('transaction_date') }}) over pair as day_after,
        coalesce(sum(txn_count) over earlier_90d, 0)::bigint as earlier_count_90d,
        coalesce(sum(txn_count) over later_90d, 0)::bigint as later_count_90d
    from {{ ref('feat_employee_merchant_daily') }}
    where
        txn_count > 0
        and {{ in_build_window('transaction_date', lookback=180) }}
        and employee_id in (select employee_id from active)
    window
        pair as (
            partition by employee_id, merchant_id order by {{ day_number('transaction_date') }}
        ),
        earlier_90d as (
            partition by employee_id, merchant_id order by {{ day_number('transaction_date') }}
            range between 89 preceding and 1 preceding
        ),
        later_90d as (
            partition by employee_id, merchant_id order by {{ day_number('transaction_date') }}
            range between 1 following and 89 following
        )
),

changes as (
    select
        employee_id,
        day,
        count(*) filter (where coalesce(day - day_before >= 30, true)) as pairs_entering_30d,
        count(*) filter (where coalesce(day_after - day >= 30, true)) as pairs_leaving_30d,
        count(*) filter (where earlier_count_90d = 0) as pairs_entering_90d,
        count(*) filter (where later_count_90d = 0) as pairs_leaving_90d,
        sum(txn_count) as txn_count,
        sum(txn_count * (txn_count + 2 * earlier_count_90d)) as squares_entering_90d,
        sum(txn_count * (txn_count + 2 * later_count_90d)) as squares_leaving_90d
    from pairs
    group by employee_id, day
),

windowed as (
    select
        daily.employee_id,
        daily.transaction_date,
        coalesce(sum(changes.pairs_entering_30d) over until_yesterday, 0)
        - coalesce(sum(changes.pairs_leaving_30d) over until_31d, 0) as pairs_30d,
        coalesce(sum(changes.pairs_entering_90d) over until_yesterday, 0)
        - coalesce(sum(changes.pairs_leaving_90d) over until_91d, 0) as pairs_90d,
        sum(changes.txn_count) over last_90d as txn_count_90d,
        coalesce(sum(changes.squares_entering_90d) over until_yesterday, 0)
        - coalesce(sum(changes.squares_leaving_90d) over until_91d, 0) as square_sum_90d
    from daily
    left outer join changes
        on
            daily.employee_id = changes.employee_id
            and daily.day = changes.day
    window
        until_yesterday as (
            partition by daily.employee_id order by daily.day
            range between unbounded preceding and 1 preceding
        ),
        until_31d as (
            partition by daily.employee_id order by daily.day
            range between unbounded preceding and 31 preceding
        ),
        until_91d as (
            partition by daily.employee_id order by daily.day
            range between unbounded preceding and 91 preceding
        ),
        last_90d as (
            partition by daily.employee_id order by daily.day
            range between 90 preceding and 1 preceding
        )
),

final as (
    select
        employee_id,
        transaction_date,
        pairs_30d::double as employee_merchant_count_30d,
        pairs_90d::double as employee_merchant_count_90d,
        square_sum_90d::double / (txn_count_90d::double * txn_count_90d::double)
            as employee_merchant_concentration_90d
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
