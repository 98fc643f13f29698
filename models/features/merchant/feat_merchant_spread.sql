{{ config(unique_key='transaction_date') }}
-- Grain: one row per merchant and day with a transaction: how many cards paid there on the days
-- before, and how concentrated its purchases are on few of them. Every purchase enters a window
-- on the day after it and leaves it so many days later, alone or beside others of the same pair.
-- The running sum of what that changes is the number of pairs in the window and the sum of the
-- squares of their counts.
with

active as (
    select distinct
        merchant_id,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_merchant_daily') }}
    where {{ in_build_window('transaction_date') }}
),

pairs as (
    select
        merchant_id,
        txn_count,
        {{ day_number('transaction_date') }} as day,
        coalesce(sum(txn_count) over earlier_30d, 0)::bigint as earlier_count_30d,
        coalesce(sum(txn_count) over later_30d, 0)::bigint as later_count_30d,
        coalesce(sum(txn_count) over earlier_90d, 0)::bigint as earlier_count_90d,
        coalesce(sum(txn_count) over later_90d, 0)::bigint as later_count_90d
    from {{ ref('feat_card_merchant_daily') }}
    where
        txn_count > 0
        and {{ in_build_window('transaction_date', lookback=180) }}
        and merchant_id in (select merchant_id from active)
    window
        earlier_30d as (
            partition by merchant_id, card_id order by {{ day_number('transaction_date') }}
            range between 29 preceding and 1 preceding
        ),
        later_30d as (
            partition by merchant_id, card_id order by {{ day_number('transaction_date') }}
            range between 1 following and 29 following
        ),
        earlier_90d as (
            partition by merchant_id, card_id order by {{ day_number('transaction_date') }}
            range between 89 preceding and 1 preceding
        ),
        later_90d as (
            partition by merchant_id, card_id order by {{ day_number('transaction_date') }}
            range between 1 following and 89 following
        )
),

changes as (
    select
        merchant_id,
        day + 1 as day,
        case when earlier_count_30d = 0 then 1 else 0 end as pairs_30d,
        case when earlier_count_90d = 0 then 1 else 0 end as pairs_90d,
        txn_count as count_90d,
        txn_count * (txn_count + 2 * earlier_count_90d) as square_sum_90d,
        false as is_asked
    from pairs
    union all
    select
        merchant_id,
        day + 31 as day,
        -1 as pairs_30d,
        0 as pairs_90d,
        0 as count_90d,
        0 as square_sum_90d,
        false as is_asked
    from pairs
    where later_count_30d = 0
    union all
    select
        merchant_id,
        day + 91 as day,
        0 as pairs_30d,
        case when later_count_90d = 0 then -1 else 0 end as pairs_90d,
        -txn_count as count_90d,
        -txn_count * (txn_count + 2 * later_count_90d) as square_sum_90d,
        false as is_asked
    from pairs
    union all
    select
        merchant_id,
        day,
        0 as pairs_30d,
        0 as pairs_90d,
        0 as count_90d,
        0 as square_sum_90d,
        true as is_asked
    from active
),

daily as (
    select
        merchant_id,
        day,
        sum(pairs_30d)::bigint as pairs_30d,
        sum(pairs_90d)::bigint as pairs_90d,
        sum(count_90d)::bigint as count_90d,
        sum(square_sum_90d)::bigint as square_sum_90d,
        bool_or(is_asked) as is_asked
    from changes
    group by merchant_id, day
),

windowed as (
    select
        merchant_id,
        day,
        is_asked,
        sum(pairs_30d) over until_then as pairs_30d,
        sum(pairs_90d) over until_then as pairs_90d,
        sum(count_90d) over until_then as count_90d,
        sum(square_sum_90d) over until_then as square_sum_90d
    from daily
    window until_then as (
        partition by merchant_id order by day rows between unbounded preceding and current row
    )
),

final as (
    select
        merchant_id,
        date '1970-01-01' + day::integer as transaction_date,
        pairs_30d::double as merchant_card_count_30d,
        pairs_90d::double as merchant_card_count_90d,
        square_sum_90d::double / nullif(count_90d::double * count_90d::double, 0)
            as merchant_card_concentration_90d
    from windowed
    where is_asked
)

select * from final
