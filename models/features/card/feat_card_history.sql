{{ config(unique_key='transaction_date') }}
-- Grain: one row per card and day with a transaction: the card's past at the start of that day.
-- A window of N days is the N whole days before it; the day itself is not in it. The baseline is
-- what the card did from 90 to 15 days before: a spree of the last fortnight cannot hide itself.
with

active_cards as (
    select distinct card_id from {{ ref('feat_card_daily') }}
    where {{ in_build_window('transaction_date') }}
),

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_card_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=365) }}
        and card_id in (select card_id from active_cards)
),

windowed as (
    select
        card_id,
        transaction_date,
        day,
        sum(txn_count) over last_7d as txn_count_7d,
        sum(txn_count) over last_14d as txn_count_14d,
        sum(txn_count) over last_30d as txn_count_30d,
        sum(txn_count) over last_90d as txn_count_90d,
        sum(amount_sum) over last_7d as amount_sum_7d,
        sum(amount_sum) over last_14d as amount_sum_14d,
        sum(amount_sum) over last_30d as amount_sum_30d,
        sum(amount_sum) over last_90d as amount_sum_90d,
        sum(txn_count) over baseline as baseline_txn_count,
        sum(amount_sum) over baseline as baseline_amount_sum,
        sum(amount_square_sum) over baseline as baseline_amount_square_sum,
        max(amount_max) over last_7d as amount_max_7d,
        max(amount_max) over last_14d as amount_max_14d,
        max(amount_max) over last_90d as amount_max_90d,
        sum(log_amount_sum) over last_90d as log_amount_sum_90d,
        sum(log_amount_square_sum) over last_90d as log_amount_square_sum_90d,
        sum(near_limit_count) over last_30d as near_limit_count_30d,
        sum(cash_like_amount_sum) over last_30d as cash_like_amount_sum_30d,
        max(case when txn_count > 0 then day end) over last_365d as last_active_day
    from daily
    window
        last_7d as (partition by card_id order by day range between 7 preceding and 1 preceding),
        last_14d as (partition by card_id order by day range between 14 preceding and 1 preceding),
        last_30d as (partition by card_id order by day range between 30 preceding and 1 preceding),
        last_90d as (partition by card_id order by day range between 90 preceding and 1 preceding),
        last_365d as (
            partition by card_id order by day range between 365 preceding and 1 preceding
        ),
        baseline as (partition by card_id order by day range between 90 preceding and 15 preceding)
),

final as (
    select
        card_id,
        transaction_date,
        coalesce(txn_count_7d, 0)::double as card_txn_count_7d,
        coalesce(txn_count_14d, 0)::double as card_txn_count_14d,
        coalesce(txn_count_30d, 0)::double as card_txn_count_30d,
        coalesce(txn_count_90d, 0)::double as card_txn_count_90d,
        (amount_sum_7d::double / nullif(txn_count_7d, 0))::double as card_amount_mean_7d,
        (amount_sum_14d::double / nullif(txn_count_14d, 0))::double as card_amount_mean_14d,
        (amount_sum_30d::double / nullif(txn_count_30d, 0))::double as card_amount_mean_30d,
        (amount_sum_90d::double / nullif(txn_count_90d, 0))::double as card_amount_mean_90d,
        amount_max_7d::double as card_amount_max_7d,
        amount_max_14d::double as card_amount_max_14d,
        (baseline_amount_sum::double / nullif(baseline_txn_count, 0))::double
            as card_baseline_amount_mean,
        case
            when baseline_txn_count >= 5
                then
                    sqrt(
                        greatest(
                            baseline_amount_square_sum::double / baseline_txn_count
                            - (baseline_amount_sum::double / baseline_txn_count)
                            * (baseline_amount_sum::double / baseline_txn_count),
                            0
                        )
                    )
        end as card_baseline_amount_std,
        amount_max_90d::double as card_amount_max_90d,
        -- mean and standard deviation of log amounts need at least five purchases
        case
            when txn_count_90d >= 5
                then log_amount_sum_90d::double / txn_count_90d
        end as card_log_amount_mean_90d,
        case
            when txn_count_90d >= 5
                then
                    sqrt(
                        greatest(
                            log_amount_square_sum_90d::double / txn_count_90d
                            - (log_amount_sum_90d::double / txn_count_90d)
                            * (log_amount_sum_90d::double / txn_count_90d),
                            0
                        )
                    )
        end as card_log_amount_std_90d,
        coalesce(near_limit_count_30d, 0)::double as card_near_limit_count_30d,
        coalesce(cash_like_amount_sum_30d, 0)::double as card_cash_like_amount_sum_30d,
        (day - last_active_day)::double as card_days_since_active
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
