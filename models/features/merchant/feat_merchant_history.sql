{{ config(unique_key='transaction_date') }}
-- Grain: one row per merchant and day with a transaction: its past at the start of that day.
-- A window of N days is the N whole days before it. The misuse rate counts cases *decided* in the
-- window, whenever the purchase was made: nothing that was not known on that morning.
with

active_merchants as (
    select distinct merchant_id from {{ ref('feat_merchant_daily') }}
    where {{ in_build_window('transaction_date') }}
),

purchases as (
    select
        merchant_id,
        transaction_date,
        txn_count,
        amount_sum,
        0 as decided_count,
        0 as misuse_count,
        true as is_active
    from {{ ref('feat_merchant_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=90) }}
        and merchant_id in (select merchant_id from active_merchants)
),

decisions as (
    select
        merchant_id,
        decided_on as transaction_date,
        0 as txn_count,
        0 as amount_sum,
        decided_count,
        misuse_count,
        false as is_active
    from {{ ref('feat_merchant_decision_daily') }}
    where
        {{ in_build_window('decided_on', lookback=90) }}
        and merchant_id in (select merchant_id from active_merchants)
),

daily as (
    select
        merchant_id,
        transaction_date,
        {{ day_number('transaction_date') }} as day,
        sum(txn_count) as txn_count,
        sum(amount_sum) as amount_sum,
        sum(decided_count) as decided_count,
        sum(misuse_count) as misuse_count,
        bool_or(is_active) as is_active
    from (
        select * from purchases
        union all
        select * from decisions
    ) as days
    group by merchant_id, transaction_date
),

windowed as (
    select
        merchant_id,
        transaction_date,
        day,
        is_active,
        max(case when misuse_count > 0 then day end) over last_90d as last_misuse_day,
        sum(txn_count) over last_7d as txn_count_7d,
        sum(txn_count) over last_14d as txn_count_14d,
        sum(txn_count) over last_30d as txn_count_30d,
        sum(amount_sum) over last_30d as amount_sum_30d,
        sum(decided_count) over last_1d as decided_count_1d,
        sum(misuse_count) over last_1d as misuse_count_1d,
        sum(decided_count) over last_7d as decided_count_7d,
        sum(misuse_count) over last_7d as misuse_count_7d,
        sum(decided_count) over last_14d as decided_count_14d,
        sum(misuse_count) over last_14d as misuse_count_14d,
        sum(decided_count) over last_30d as decided_count_30d,
        sum(misuse_count) over last_30d as misuse_count_30d,
        sum(decided_count) over last_90d as decided_count_90d,
        sum(misuse_count) over last_90d as misuse_count_90d
    from daily
    window
        last_1d as (
            partition by merchant_id order by day range between 1 preceding and 1 preceding
        ),
        last_7d as (
            partition by merchant_id order by day range between 7 preceding and 1 preceding
        ),
        last_14d as (
            partition by merchant_id order by day range between 14 preceding and 1 preceding
        ),
        last_30d as (
            partition by merchant_id order by day range between 30 preceding and 1 preceding
        ),
        last_90d as (
            partition by merchant_id order by day range between 90 preceding and 1 preceding
        )
),

final as (
    select
        merchant_id,
        transaction_date,
        coalesce(txn_count_7d, 0)::double as merchant_txn_count_7d,
        coalesce(txn_count_14d, 0)::double as merchant_txn_count_14d,
        coalesce(txn_count_30d, 0)::double as merchant_txn_count_30d,
        (amount_sum_30d::double / nullif(txn_count_30d, 0))::double as merchant_amount_mean_30d,
        {{ misuse_rate('misuse_count_1d', 'decided_count_1d') }} as merchant_misuse_rate_1d,
        {{ misuse_rate('misuse_count_7d', 'decided_count_7d') }} as merchant_misuse_rate_7d,
        {{ misuse_rate('misuse_count_14d', 'decided_count_14d') }} as merchant_misuse_rate_14d,
        {{ misuse_rate('misuse_count_30d', 'decided_count_30d') }} as merchant_misuse_rate_30d,
        {{ misuse_rate('misuse_count_90d', 'decided_count_90d') }} as merchant_misuse_rate_90d,
        coalesce(decided_count_30d, 0)::double as merchant_decided_count_30d,
        coalesce(misuse_count_30d, 0)::double as merchant_misuse_count_30d,
        (day - last_misuse_day)::double as merchant_days_since_misuse
    from windowed
    where
        is_active
        and {{ in_build_window('transaction_date') }}
)

select * from final
