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
        {{ microsecond_number('authorized_at') }} as microsecond,
        has_time,
        card_id,
        merchant_id,
        amount_exact,
        -- null where nothing counts, so that the windows below pass over it
        case when is_purchase then 1 end as purchase,
        case when is_purchase then amount_exact end as purchase_amount,
        case when is_purchase then authorized_at end as purchased_at,
        case when is_purchase and category_policy = 'cash_like' then amount_exact end
            as cash_like_amount,
        case
            when
                is_purchase
                and amount
                >= single_limit * {{ rule_reach('limit_evasion_002', 'from_share', 'from') }}
                and amount < single_limit * {{ var('near_limit_below') }}
                then 1
        end as near_limit
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date', lookback=3) }}
),

-- equal amounts are rare: only what has an equal is looked at
equal_amounts as (
    select
        merchant_id,
        amount_exact
    from transactions
    group by merchant_id, amount_exact
    having count(*) > 1
),

repeated as (
    select
        transactions.transaction_id,
        count(transactions.purchase) over merchant_amount_3d as merchant_count,
        count(transactions.purchase) over card_amount_3d as card_count,
        -- equal bills of one and the same moment are counted in the order of their identifiers
        count(transactions.purchase) over same_moment as card_count_at_once
    from transactions
    inner join equal_amounts
        on
            transactions.merchant_id = equal_amounts.merchant_id
            and transactions.amount_exact = equal_amounts.amount_exact
    window
        merchant_amount_3d as (
            partition by transactions.merchant_id, transactions.amount_exact
            order by transactions.microsecond
            range between {{ 3 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        card_amount_3d as (
            partition by transactions.merchant_id, transactions.amount_exact, transactions.card_id
            order by transactions.microsecond
            range between {{ 3 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        same_moment as (
            partition by
                transactions.merchant_id,
                transactions.amount_exact,
                transactions.card_id,
                transactions.authorized_at
            order by transactions.transaction_id
            rows between unbounded preceding and 1 preceding
        )
),

windowed as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        has_time,
        count(purchase) over card_10m as card_txn_count_10m,
        sum(purchase_amount) over card_10m as card_amount_sum_10m,
        count(purchase) over card_15m as card_txn_count_15m,
        sum(purchase_amount) over card_15m as card_amount_sum_15m,
        count(purchase) over card_30m as card_txn_count_30m,
        sum(purchase_amount) over card_30m as card_amount_sum_30m,
        count(purchase) over card_1h as card_txn_count_1h,
        sum(purchase_amount) over card_1h as card_amount_sum_1h,
        count(purchase) over card_1d as card_txn_count_1d,
        sum(purchase_amount) over card_1d as card_amount_sum_1d,
        max(purchased_at) over card_3d as card_last_purchase_at,
        sum(cash_like_amount) over card_today as card_cash_like_amount_sum_today,
        count(near_limit) over card_today as card_near_limit_count_today,
        sum(purchase_amount) over card_today as card_amount_sum_today,
        count(purchase) over merchant_10m as merchant_txn_count_10m,
        count(purchase) over merchant_15m as merchant_txn_count_15m,
        sum(purchase_amount) over merchant_15m as merchant_amount_sum_15m,
        count(purchase) over merchant_30m as merchant_txn_count_30m,
        sum(purchase_amount) over merchant_30m as merchant_amount_sum_30m,
        count(purchase) over merchant_1h as merchant_txn_count_1h,
        sum(purchase_amount) over merchant_1h as merchant_amount_sum_1h,
        count(purchase) over merchant_1d as merchant_txn_count_1d,
        sum(purchase_amount) over merchant_1d as merchant_amount_sum_1d,
        count(purchase) over card_merchant_1d as card_merchant_txn_count_1d,
        sum(purchase_amount) over card_merchant_1d as card_merchant_amount_sum_1d,
        count(purchase) over card_merchant_3d as card_merchant_txn_count_3d,
        sum(purchase_amount) over card_merchant_3d as card_merchant_amount_sum_3d,
        max(purchase_amount) over card_merchant_3d as card_merchant_amount_max_3d
    from transactions
    window
        {% for subject in ['card', 'merchant'] %}
            {% for window, seconds in
                {'10m': 600, '15m': 900, '30m': 1800, '1h': 3600, '1d': 86400}.items() %}
                {{ subject }}_{{ window }} as (
                    partition by {{ subject }}_id order by microsecond
                    range between {{ seconds * 1000000 }} preceding and 1 preceding
                ),
            {% endfor %}
        {% endfor %}
        card_3d as (
            partition by card_id order by microsecond
            range between {{ 3 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        card_merchant_1d as (
            partition by card_id, merchant_id order by microsecond
            range between {{ 86400 * 1000000 }} preceding and 1 preceding
        ),
        card_merchant_3d as (
            partition by card_id, merchant_id order by microsecond
            range between {{ 3 * 86400 * 1000000 }} preceding and 1 preceding
        ),
        card_today as (
            partition by card_id, transaction_date order by microsecond
            range between unbounded preceding and 1 preceding
        )
),

final as (
    select
        windowed.transaction_id,
        windowed.transaction_date,
        case when windowed.has_time then windowed.card_txn_count_10m::double end
            as card_txn_count_10m,
        case when windowed.has_time then coalesce(windowed.card_amount_sum_10m, 0)::double end
            as card_amount_sum_10m,
        case when windowed.has_time then windowed.card_txn_count_15m::double end
            as card_txn_count_15m,
        case
            when windowed.has_time
                then
                    windowed.card_amount_sum_15m::double
                    / nullif(windowed.card_txn_count_15m, 0)
        end as card_amount_mean_15m,
        case when windowed.has_time then windowed.card_txn_count_30m::double end
            as card_txn_count_30m,
        case
            when windowed.has_time
                then
                    windowed.card_amount_sum_30m::double
                    / nullif(windowed.card_txn_count_30m, 0)
        end as card_amount_mean_30m,
        case when windowed.has_time then windowed.card_txn_count_1h::double end
            as card_txn_count_1h,
        case when windowed.has_time then coalesce(windowed.card_amount_sum_1h, 0)::double end
            as card_amount_sum_1h,
        case
            when windowed.has_time
                then
                    windowed.card_amount_sum_1h::double
                    / nullif(windowed.card_txn_count_1h, 0)
        end as card_amount_mean_1h,
        windowed.card_txn_count_1d::double as card_txn_count_1d,
        windowed.card_amount_sum_1d::double / nullif(windowed.card_txn_count_1d, 0)
            as card_amount_mean_1d,
        coalesce(windowed.card_amount_sum_1d, 0)::double as card_amount_sum_1d,
        case
            when windowed.has_time
                then {{ hours_between('windowed.card_last_purchase_at', 'windowed.authorized_at') }}
        end as card_hours_since_purchase,
        coalesce(windowed.card_cash_like_amount_sum_today, 0)::double
            as card_cash_like_amount_sum_today,
        windowed.card_near_limit_count_today::double as card_near_limit_count_today,
        coalesce(windowed.card_amount_sum_today, 0)::double as card_amount_sum_today,
        case when windowed.has_time then windowed.merchant_txn_count_10m::double end
            as merchant_txn_count_10m,
        case when windowed.has_time then windowed.merchant_txn_count_15m::double end
            as merchant_txn_count_15m,
        case
            when windowed.has_time
                then
                    windowed.merchant_amount_sum_15m::double
                    / nullif(windowed.merchant_txn_count_15m, 0)
        end as merchant_amount_mean_15m,
        case when windowed.has_time then windowed.merchant_txn_count_30m::double end
            as merchant_txn_count_30m,
        case
            when windowed.has_time
                then
                    windowed.merchant_amount_sum_30m::double
                    / nullif(windowed.merchant_txn_count_30m, 0)
        end as merchant_amount_mean_30m,
        case when windowed.has_time then windowed.merchant_txn_count_1h::double end
            as merchant_txn_count_1h,
        case
            when windowed.has_time
                then
                    windowed.merchant_amount_sum_1h::double
                    / nullif(windowed.merchant_txn_count_1h, 0)
        end as merchant_amount_mean_1h,
        windowed.merchant_txn_count_1d::double as merchant_txn_count_1d,
        windowed.merchant_amount_sum_1d::double / nullif(windowed.merchant_txn_count_1d, 0)
            as merchant_amount_mean_1d,
        windowed.card_merchant_txn_count_1d::double as card_merchant_txn_count_1d,
        coalesce(windowed.card_merchant_amount_sum_1d, 0)::double as card_merchant_amount_sum_1d,
        windowed.card_merchant_txn_count_3d::double as card_merchant_txn_count_3d,
        coalesce(windowed.card_merchant_amount_sum_3d, 0)::double as card_merchant_amount_sum_3d,
        coalesce(windowed.card_merchant_amount_max_3d, 0)::double as card_merchant_amount_max_3d,
        -- by other cards
        coalesce(repeated.merchant_count - repeated.card_count, 0)::double
            as merchant_same_amount_count_3d,
        coalesce(repeated.card_count + repeated.card_count_at_once, 0)::double
            as card_merchant_same_amount_count_3d
    from windowed
    left outer join repeated on windowed.transaction_id = repeated.transaction_id
    where {{ in_build_window('windowed.transaction_date') }}
)

select * from final
