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

-- of single purchases: a quantile cannot be put together from daily state
purchases as (
    select
        card_id,
        transaction_date,
        {{ windowed_quantile('log_amount', 0.25, 'last_90d') }} as lower_quartile,
        {{ windowed_quantile('log_amount', 0.5, 'last_90d') }} as median,
        {{ windowed_quantile('log_amount', 0.75, 'last_90d') }} as upper_quartile
    from {{ ref('int_transactions') }}
    where
        is_purchase
        and {{ in_build_window('transaction_date', lookback=90) }}
        and card_id in (select card_id from active_cards)
    window last_90d as (
        partition by card_id order by {{ day_number('transaction_date') }}
        range between 90 preceding and 1 preceding
    )
),

-- the same for all purchases of a day
quartiles as (
    select
        card_id,
        transaction_date,
        min(lower_quartile)::double as lower_quartile,
        min(median)::double as median,
        min(upper_quartile)::double as upper_quartile
    from purchases
    group by card_id, transaction_date
),

final as (
    select
        woken.card_id,
        woken.transaction_date,
        coalesce(woken.txn_count_7d, 0)::double as card_txn_count_7d,
        coalesce(woken.txn_count_14d, 0)::double as card_txn_count_14d,
        coalesce(woken.txn_count_30d, 0)::double as card_txn_count_30d,
        coalesce(woken.txn_count_90d, 0)::double as card_txn_count_90d,
        coalesce(woken.txn_count_365d, 0)::double as card_txn_count_365d,
        coalesce(woken.amount_sum_7d, 0)::double as card_amount_sum_7d,
        coalesce(woken.amount_sum_30d, 0)::double as card_amount_sum_30d,
        coalesce(woken.amount_sum_90d, 0)::double as card_amount_sum_90d,
        coalesce(woken.amount_sum_365d, 0)::double as card_amount_sum_365d,
        coalesce(woken.amount_sum_month, 0)::double as card_amount_sum_month_until_today,
        woken.amount_sum_7d::double / nullif(woken.txn_count_7d, 0) as card_amount_mean_7d,
        woken.amount_sum_14d::double / nullif(woken.txn_count_14d, 0) as card_amount_mean_14d,
        woken.amount_sum_30d::double / nullif(woken.txn_count_30d, 0) as card_amount_mean_30d,
        woken.amount_sum_90d::double / nullif(woken.txn_count_90d, 0) as card_amount_mean_90d,
        woken.amount_sum_365d::double / nullif(woken.txn_count_365d, 0) as card_amount_mean_365d,
        woken.amount_max_7d::double as card_amount_max_7d,
        woken.amount_max_14d::double as card_amount_max_14d,
        woken.amount_max_30d::double as card_amount_max_30d,
        woken.amount_max_90d::double as card_amount_max_90d,
        woken.amount_max_365d::double as card_amount_max_365d,
        {{ standard_deviation(
            'woken.txn_count_30d', 'woken.amount_sum_30d', 'woken.amount_square_sum_30d'
        ) }} as card_amount_std_30d,
        {{ standard_deviation(
            'woken.txn_count_90d', 'woken.amount_sum_90d', 'woken.amount_square_sum_90d'
        ) }} as card_amount_std_90d,
        {{ standard_deviation(
            'woken.txn_count_365d', 'woken.amount_sum_365d', 'woken.amount_square_sum_365d'
        ) }} as card_amount_std_365d,
        woken.baseline_amount_sum::double / nullif(woken.baseline_txn_count, 0)
            as card_baseline_amount_mean,
        {{ standard_deviation(
            'woken.baseline_txn_count', 'woken.baseline_amount_sum', 'woken.baseline_amount_square_sum'
        ) }} as card_baseline_amount_std,
        -- the mean of log amounts needs at least five purchases, as their standard deviation does
        case
            when woken.txn_count_90d >= 5
                then woken.log_amount_sum_90d::double / woken.txn_count_90d
        end as card_log_amount_mean_90d,
        {{ standard_deviation(
            'woken.txn_count_90d', 'woken.log_amount_sum_90d', 'woken.log_amount_square_sum_90d'
        ) }} as card_log_amount_std_90d,
        case when woken.txn_count_90d >= 5 then quartiles.median end
            as card_log_amount_median_90d,
        case
            when woken.txn_count_90d >= 5
                then quartiles.upper_quartile - quartiles.lower_quartile
        end as card_log_amount_quartile_range_90d,
        coalesce(woken.decline_count_7d, 0)::double as card_decline_count_7d,
        woken.round_count_90d::double / nullif(woken.txn_count_90d, 0) as card_round_share_90d,
        coalesce(woken.near_limit_count_30d, 0)::double as card_near_limit_count_30d,
        coalesce(woken.cash_like_amount_sum_30d, 0)::double as card_cash_like_amount_sum_30d,
        -- von Mises: mean direction and, by Best and Fisher (1981), its concentration; at most 500
        case when woken.timed_count_90d >= 10 then atan2(woken.time_sine, woken.time_cosine) end
            as card_time_angle_90d,
        case
            when coalesce(woken.timed_count_90d, 0) < 10 then null
            when woken.time_length < 0.53
                then
                    2 * woken.time_length + power(woken.time_length, 3)
                    + 5 * power(woken.time_length, 5) / 6
            when woken.time_length < 0.85
                then -0.4 + 1.39 * woken.time_length + 0.43 / (1 - woken.time_length)
            when woken.time_length < 0.999
                then
                    least(
                        500,
                        1 / (
                            power(woken.time_length, 3) - 4 * power(woken.time_length, 2)
                            + 3 * woken.time_length
                        )
                    )
            else 500
        end::double as card_time_concentration_90d,
        (woken.day - woken.last_active_day)::double as card_days_since_active,
        -- the pause may have ended with this very day
        greatest(woken.pause_7d, woken.day - woken.last_active_day)::double as card_pause_days_7d
    from woken
    left outer join quartiles
        on
            woken.card_id = quartiles.card_id
            and woken.transaction_date = quartiles.transaction_date
    where {{ in_build_window('woken.transaction_date') }}
)

select * from final
