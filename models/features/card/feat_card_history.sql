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
        -- the pause before a day of the last week reaches a year further back
        {{ in_build_window('transaction_date', lookback=372) }}
        and card_id in (select card_id from active_cards)
),

windowed as (
    select
        card_id,
        transaction_date,
        day,
        txn_count,
        sum(txn_count) over last_7d as txn_count_7d,
        sum(txn_count) over last_14d as txn_count_14d,
        sum(txn_count) over last_30d as txn_count_30d,
        sum(txn_count) over last_90d as txn_count_90d,
        sum(txn_count) over last_365d as txn_count_365d,
        sum(amount_sum) over last_7d as amount_sum_7d,
        sum(amount_sum) over last_14d as amount_sum_14d,
        sum(amount_sum) over last_30d as amount_sum_30d,
        sum(amount_sum) over last_90d as amount_sum_90d,
        sum(amount_sum) over last_365d as amount_sum_365d,
        sum(amount_square_sum) over last_30d as amount_square_sum_30d,
        sum(amount_square_sum) over last_90d as amount_square_sum_90d,
        sum(amount_square_sum) over last_365d as amount_square_sum_365d,
        sum(txn_count) over baseline as baseline_txn_count,
        sum(amount_sum) over baseline as baseline_amount_sum,
        sum(amount_square_sum) over baseline as baseline_amount_square_sum,
        max(amount_max) over last_7d as amount_max_7d,
        max(amount_max) over last_14d as amount_max_14d,
        max(amount_max) over last_30d as amount_max_30d,
        max(amount_max) over last_90d as amount_max_90d,
        max(amount_max) over last_365d as amount_max_365d,
        sum(log_amount_sum) over last_90d as log_amount_sum_90d,
        sum(log_amount_square_sum) over last_90d as log_amount_square_sum_90d,
        sum(decline_count) over last_7d as decline_count_7d,
        sum(round_count) over last_90d as round_count_90d,
        sum(near_limit_count) over last_30d as near_limit_count_30d,
        sum(cash_like_amount_sum) over last_30d as cash_like_amount_sum_30d,
        sum(timed_count) over last_90d as timed_count_90d,
        sum(time_cosine_sum) over last_90d as time_cosine_sum_90d,
        sum(time_sine_sum) over last_90d as time_sine_sum_90d,
        sum(amount_sum) over this_month as amount_sum_month,
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
        baseline as (partition by card_id order by day range between 90 preceding and 15 preceding),
        this_month as (
            partition by card_id, date_trunc('month', transaction_date) order by day
            range between 31 preceding and 1 preceding
        )
),

woken as (
    select
        *,
        max(case when txn_count > 0 then day - last_active_day end) over this_week as pause_7d,
        -- the mean direction of the times of day, at most of length 1
        time_cosine_sum_90d::double / nullif(timed_count_90d, 0) as time_cosine,
        time_sine_sum_90d::double / nullif(timed_count_90d, 0) as time_sine,
        sqrt(time_cosine * time_cosine + time_sine * time_sine) as time_length
    from windowed
    window this_week as (
        partition by card_id order by day range between 7 preceding and 1 preceding
    )
),

final as (
    select
        card_id,
        transaction_date,
        coalesce(txn_count_7d, 0)::double as card_txn_count_7d,
        coalesce(txn_count_14d, 0)::double as card_txn_count_14d,
        coalesce(txn_count_30d, 0)::double as card_txn_count_30d,
        coalesce(txn_count_90d, 0)::double as card_txn_count_90d,
        coalesce(txn_count_365d, 0)::double as card_txn_count_365d,
        coalesce(amount_sum_7d, 0)::double as card_amount_sum_7d,
        coalesce(amount_sum_30d, 0)::double as card_amount_sum_30d,
        coalesce(amount_sum_90d, 0)::double as card_amount_sum_90d,
        coalesce(amount_sum_365d, 0)::double as card_amount_sum_365d,
        coalesce(amount_sum_month, 0)::double as card_amount_sum_month_until_today,
        amount_sum_7d::double / nullif(txn_count_7d, 0) as card_amount_mean_7d,
        amount_sum_14d::double / nullif(txn_count_14d, 0) as card_amount_mean_14d,
        amount_sum_30d::double / nullif(txn_count_30d, 0) as card_amount_mean_30d,
        amount_sum_90d::double / nullif(txn_count_90d, 0) as card_amount_mean_90d,
        amount_sum_365d::double / nullif(txn_count_365d, 0) as card_amount_mean_365d,
        amount_max_7d::double as card_amount_max_7d,
        amount_max_14d::double as card_amount_max_14d,
        amount_max_30d::double as card_amount_max_30d,
        amount_max_90d::double as card_amount_max_90d,
        amount_max_365d::double as card_amount_max_365d,
        {{ standard_deviation(
            'txn_count_30d', 'amount_sum_30d', 'amount_square_sum_30d'
        ) }} as card_amount_std_30d,
        {{ standard_deviation(
            'txn_count_90d', 'amount_sum_90d', 'amount_square_sum_90d'
        ) }} as card_amount_std_90d,
        {{ standard_deviation(
            'txn_count_365d', 'amount_sum_365d', 'amount_square_sum_365d'
        ) }} as card_amount_std_365d,
        baseline_amount_sum::double / nullif(baseline_txn_count, 0)
            as card_baseline_amount_mean,
        {{ standard_deviation(
            'baseline_txn_count', 'baseline_amount_sum', 'baseline_amount_square_sum'
        ) }} as card_baseline_amount_std,
        -- the mean of log amounts needs at least five purchases, as their standard deviation does
        case
            when txn_count_90d >= 5
                then log_amount_sum_90d::double / txn_count_90d
        end as card_log_amount_mean_90d,
        {{ standard_deviation(
            'txn_count_90d', 'log_amount_sum_90d', 'log_amount_square_sum_90d'
        ) }} as card_log_amount_std_90d,
        coalesce(decline_count_7d, 0)::double as card_decline_count_7d,
        round_count_90d::double / nullif(txn_count_90d, 0) as card_round_share_90d,
        coalesce(near_limit_count_30d, 0)::double as card_near_limit_count_30d,
        coalesce(cash_like_amount_sum_30d, 0)::double as card_cash_like_amount_sum_30d,
        -- von Mises: mean direction and, by Best and Fisher (1981), its concentration; at most 500
        case when timed_count_90d >= 10 then atan2(time_sine, time_cosine) end
            as card_time_angle_90d,
        case
            when coalesce(timed_count_90d, 0) < 10 then null
            when time_length < 0.53
                then
                    2 * time_length + power(time_length, 3)
                    + 5 * power(time_length, 5) / 6
            when time_length < 0.85
                then -0.4 + 1.39 * time_length + 0.43 / (1 - time_length)
            when time_length < 0.999
                then
                    least(
                        500,
                        1 / (
                            power(time_length, 3) - 4 * power(time_length, 2)
                            + 3 * time_length
                        )
                    )
            else 500
        end::double as card_time_concentration_90d,
        (day - last_active_day)::double as card_days_since_active,
        -- the pause may have ended with this very day
        greatest(pause_7d, day - last_active_day)::double as card_pause_days_7d
    from woken
    where {{ in_build_window('transaction_date') }}
)

select * from final
