{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction: sliding windows up to three days, strictly before it.
-- A window of w seconds is [t - w, t): what happened in the same second is not in it. Where the
-- time of day is unknown, windows below a day are unknown (null).
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        has_time,
        card_id,
        merchant_id,
        amount_exact,
        is_purchase,
        case when is_purchase then amount_exact else 0 end as purchase_amount,
        case when is_purchase then 1 else 0 end as purchase,
        case when is_purchase and category_policy = 'cash_like' then amount_exact else 0 end
            as cash_like_amount
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date', lookback=3) }}
),

windowed as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        has_time,
        sum(purchase) over card_15m as card_txn_count_15m,
        sum(purchase_amount) over card_15m as card_amount_sum_15m,
        sum(purchase) over card_30m as card_txn_count_30m,
        sum(purchase_amount) over card_30m as card_amount_sum_30m,
        sum(purchase) over card_1h as card_txn_count_1h,
        sum(purchase_amount) over card_1h as card_amount_sum_1h,
        sum(purchase) over card_1d as card_txn_count_1d,
        sum(purchase_amount) over card_1d as card_amount_sum_1d,
        max(case when is_purchase then authorized_at end) over card_3d as card_last_purchase_at,
        sum(cash_like_amount) over card_today as card_cash_like_amount_sum_today,
        sum(purchase) over merchant_15m as merchant_txn_count_15m,
        sum(purchase_amount) over merchant_15m as merchant_amount_sum_15m,
        sum(purchase) over merchant_30m as merchant_txn_count_30m,
        sum(purchase_amount) over merchant_30m as merchant_amount_sum_30m,
        sum(purchase) over merchant_1h as merchant_txn_count_1h,
        sum(purchase_amount) over merchant_1h as merchant_amount_sum_1h,
        sum(purchase) over merchant_1d as merchant_txn_count_1d,
        sum(purchase) over card_merchant_1d as card_merchant_txn_count_1d,
        sum(purchase_amount) over card_merchant_1d as card_merchant_amount_sum_1d,
        sum(purchase) over same_amount_3d as same_amount_before,
        -- equal bills of one and the same moment are counted in the order of their identifiers
        sum(purchase) over same_moment as same_amount_at_once
    from transactions
    window
        card_15m as (
            partition by card_id order by authorized_at
            range between interval '900' second preceding and interval '0.000001' second preceding
        ),
        card_30m as (
            partition by card_id order by authorized_at
            range between interval '1800' second preceding and interval '0.000001' second preceding
        ),
        card_1h as (
            partition by card_id order by authorized_at
            range between interval '3600' second preceding and interval '0.000001' second preceding
        ),
        card_1d as (
            partition by card_id order by authorized_at
            range between interval '86400' second preceding and interval '0.000001' second preceding
        ),
        card_3d as (
            partition by card_id order by authorized_at
            range between
            interval '259200' second preceding and interval '0.000001' second preceding
        ),
        card_today as (
            partition by card_id, transaction_date order by authorized_at
            range between unbounded preceding and interval '0.000001' second preceding
        ),
        merchant_15m as (
            partition by merchant_id order by authorized_at
            range between interval '900' second preceding and interval '0.000001' second preceding
        ),
        merchant_30m as (
            partition by merchant_id order by authorized_at
            range between interval '1800' second preceding and interval '0.000001' second preceding
        ),
        merchant_1h as (
            partition by merchant_id order by authorized_at
            range between interval '3600' second preceding and interval '0.000001' second preceding
        ),
        merchant_1d as (
            partition by merchant_id order by authorized_at
            range between interval '86400' second preceding and interval '0.000001' second preceding
        ),
        card_merchant_1d as (
            partition by card_id, merchant_id order by authorized_at
            range between interval '86400' second preceding and interval '0.000001' second preceding
        ),
        same_amount_3d as (
            partition by card_id, merchant_id, amount_exact order by authorized_at
            range between
            interval '259200' second preceding and interval '0.000001' second preceding
        ),
        same_moment as (
            partition by card_id, merchant_id, amount_exact, authorized_at order by transaction_id
            rows between unbounded preceding and 1 preceding
        )
),

final as (
    select
        transaction_id,
        transaction_date,
        case when has_time then coalesce(card_txn_count_15m, 0)::double end as card_txn_count_15m,
        case when has_time then card_amount_sum_15m::double / nullif(card_txn_count_15m, 0) end
            as card_amount_mean_15m,
        case when has_time then coalesce(card_txn_count_30m, 0)::double end as card_txn_count_30m,
        case when has_time then card_amount_sum_30m::double / nullif(card_txn_count_30m, 0) end
            as card_amount_mean_30m,
        case when has_time then coalesce(card_txn_count_1h, 0)::double end as card_txn_count_1h,
        case when has_time then card_amount_sum_1h::double / nullif(card_txn_count_1h, 0) end
            as card_amount_mean_1h,
        coalesce(card_txn_count_1d, 0)::double as card_txn_count_1d,
        card_amount_sum_1d::double / nullif(card_txn_count_1d, 0) as card_amount_mean_1d,
        coalesce(card_amount_sum_1d, 0)::double as card_amount_sum_1d,
        case
            when has_time then {{ hours_between('card_last_purchase_at', 'authorized_at') }}
        end as card_hours_since_purchase,
        coalesce(card_cash_like_amount_sum_today, 0)::double as card_cash_like_amount_sum_today,
        case when has_time then coalesce(merchant_txn_count_15m, 0)::double end
            as merchant_txn_count_15m,
        case
            when has_time then merchant_amount_sum_15m::double / nullif(merchant_txn_count_15m, 0)
        end as merchant_amount_mean_15m,
        case when has_time then coalesce(merchant_txn_count_30m, 0)::double end
            as merchant_txn_count_30m,
        case
            when has_time then merchant_amount_sum_30m::double / nullif(merchant_txn_count_30m, 0)
        end as merchant_amount_mean_30m,
        case when has_time then coalesce(merchant_txn_count_1h, 0)::double end
            as merchant_txn_count_1h,
        case
            when has_time then merchant_amount_sum_1h::double / nullif(merchant_txn_count_1h, 0)
        end as merchant_amount_mean_1h,
        coalesce(merchant_txn_count_1d, 0)::double as merchant_txn_count_1d,
        coalesce(card_merchant_txn_count_1d, 0)::double as card_merchant_txn_count_1d,
        coalesce(card_merchant_amount_sum_1d, 0)::double as card_merchant_amount_sum_1d,
        (coalesce(same_amount_before, 0) + coalesce(same_amount_at_once, 0))::double
            as card_merchant_same_amount_count_3d
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
