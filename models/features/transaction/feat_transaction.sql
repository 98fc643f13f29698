{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction: the feature vector, with the context that rules need.
-- Features are doubles; null means "not known", never zero. Windows do not include the transaction
-- itself. To add a feature: one expression here, its entry in yml, its row in feature_catalog.
with

transactions as (
    select * from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date') }}
),

joined as (
    select
        transactions.*,
        -- exclude() takes bare names
        -- noqa: disable=RF02
        intraday.* exclude (transaction_id, transaction_date),
        misuse_run.* exclude (transaction_id, transaction_date),
        card_history.* exclude (card_id, transaction_date),
        merchant_history.* exclude (merchant_id, transaction_date),
        card_merchant_history.* exclude (card_id, merchant_id, transaction_date),
        card_category_history.* exclude (card_id, category_key, transaction_date),
        peer_history.* exclude (currency, category_key, grade_key, transaction_date)
    -- noqa: enable=RF02
    from transactions
    inner join {{ ref('feat_transaction_intraday') }} as intraday
        on
            transactions.transaction_date = intraday.transaction_date
            and transactions.transaction_id = intraday.transaction_id
    left outer join {{ ref('feat_transaction_misuse_run') }} as misuse_run
        on
            transactions.transaction_date = misuse_run.transaction_date
            and transactions.transaction_id = misuse_run.transaction_id
    inner join {{ ref('feat_card_history') }} as card_history
        on
            transactions.transaction_date = card_history.transaction_date
            and transactions.card_id = card_history.card_id
    inner join {{ ref('feat_merchant_history') }} as merchant_history
        on
            transactions.transaction_date = merchant_history.transaction_date
            and transactions.merchant_id = merchant_history.merchant_id
    inner join {{ ref('feat_card_merchant_history') }} as card_merchant_history
        on
            transactions.transaction_date = card_merchant_history.transaction_date
            and transactions.card_id = card_merchant_history.card_id
            and transactions.merchant_id = card_merchant_history.merchant_id
    inner join {{ ref('feat_card_category_history') }} as card_category_history
        on
            transactions.transaction_date = card_category_history.transaction_date
            and transactions.card_id = card_category_history.card_id
            and coalesce(transactions.category, 'unknown') = card_category_history.category_key
    left outer join {{ ref('feat_peer_history') }} as peer_history
        on
            transactions.transaction_date = peer_history.transaction_date
            and transactions.currency = peer_history.currency
            and coalesce(transactions.category, 'unknown') = peer_history.category_key
            and coalesce(transactions.grade, 'unknown') = peer_history.grade_key
),

final as (
    select
        -- context
        transaction_id,
        transaction_date,
        authorized_at,
        card_id,
        card_status,
        employee_id,
        department_id,
        grade,
        merchant_id,
        merchant_name,
        merchant_keyword,
        mcc,
        category,
        category_policy,
        currency,
        status,
        is_purchase,
        single_limit,
        absence_kind,

        -- amount
        amount,
        amount / nullif(single_limit, 0) as amount_to_single_limit,
        case
            when amount::bigint <> amount or amount = 0 then 0.0
            when amount::bigint % 1000000 = 0 then 6.0
            when amount::bigint % 100000 = 0 then 5.0
            when amount::bigint % 10000 = 0 then 4.0
            when amount::bigint % 1000 = 0 then 3.0
            when amount::bigint % 100 = 0 then 2.0
            when amount::bigint % 10 = 0 then 1.0
            else 0.0
        end::double as amount_trailing_zeros,
        amount / card_amount_mean_30d as card_amount_ratio_30d,
        amount / card_amount_mean_90d as card_amount_ratio_90d,
        amount / card_amount_max_90d as card_amount_to_max_90d,
        amount / card_baseline_amount_mean as card_amount_to_baseline,
        {{ deviation_from_baseline('amount') }} as card_amount_deviation_from_baseline,
        case
            when is_purchase
                then
                    (log_amount::double - card_log_amount_mean_90d)
                    / (card_log_amount_std_90d + 0.1)
        end as card_amount_z_90d,
        amount / merchant_amount_mean_30d as merchant_amount_ratio_30d,
        case when is_purchase then exp(log_amount::double - peer_log_amount_mean_90d) end
            as peer_amount_ratio_90d,
        case
            when is_purchase
                then
                    (log_amount::double - peer_log_amount_mean_90d)
                    / (peer_log_amount_std_90d + 0.1)
        end as peer_amount_z_90d,
        peer_txn_count_90d,

        -- time
        case when has_time then extract('hour' from authorized_at) end::double as hour_of_day,
        case
            when has_time
                then
                    (
                        extract('hour' from authorized_at) >= {{ var('night_from_hour') }}
                        or extract('hour' from authorized_at) < {{ var('night_until_hour') }}
                    )::integer
        end::double as is_night,
        is_weekend::integer::double as is_weekend,
        is_holiday::integer::double as is_holiday,
        is_on_leave::integer::double as is_on_leave,
        is_on_trip::integer::double as is_on_trip,
        (transaction_date - hired_on)::double as employee_days_since_hired,
        -- 0 says "has not left", which only the register of employees can say
        case when department_id is not null then greatest(transaction_date - left_on, 0) end::double
            as employee_days_since_left,

        -- the card's pace
        card_txn_count_15m,
        card_txn_count_30m,
        card_txn_count_1h,
        card_txn_count_1d,
        card_txn_count_7d,
        card_txn_count_14d,
        card_txn_count_30d,
        card_txn_count_90d,
        card_txn_count_1d / nullif(card_txn_count_30d / 30, 0) as card_pace_ratio_1d,
        card_txn_count_7d / nullif(card_txn_count_90d * 7 / 90, 0) as card_pace_ratio_7d,
        card_hours_since_purchase,
        card_days_since_active,

        -- the card's spending
        card_amount_mean_15m,
        card_amount_mean_30m,
        card_amount_mean_1h,
        card_amount_mean_1d,
        card_amount_mean_7d,
        card_amount_mean_14d,
        card_amount_mean_30d,
        card_amount_mean_90d,
        card_amount_sum_1d,
        card_amount_max_7d,
        card_amount_mean_7d / card_amount_mean_90d as card_amount_shift_7d,
        card_amount_max_7d / card_amount_mean_90d as card_amount_peak_7d,
        card_baseline_amount_mean,
        card_amount_max_14d / card_baseline_amount_mean as card_amount_peak_14d,
        card_amount_mean_1d / card_baseline_amount_mean as card_amount_shift_1d,
        card_near_limit_count_30d,
        card_cash_like_amount_sum_30d,
        card_cash_like_amount_sum_today,

        -- the merchant
        merchant_txn_count_15m,
        merchant_txn_count_30m,
        merchant_txn_count_1h,
        merchant_txn_count_1d,
        merchant_txn_count_7d,
        merchant_txn_count_14d,
        merchant_txn_count_30d,
        merchant_amount_mean_15m,
        merchant_amount_mean_30m,
        merchant_amount_mean_1h,
        merchant_amount_mean_30d,
        merchant_misuse_rate_1d,
        merchant_misuse_rate_7d,
        merchant_misuse_rate_14d,
        merchant_misuse_rate_30d,
        merchant_misuse_rate_90d,
        merchant_decided_count_30d,
        merchant_misuse_count_30d,
        merchant_days_since_misuse,
        coalesce(merchant_misuse_run_90d, 0) as merchant_misuse_run_90d,
        merchant_days_since_misuse_run,
        merchant_days_since_innocent,

        -- the card and the merchant, the card and the category
        card_merchant_txn_count_1d,
        card_merchant_amount_sum_1d,
        card_merchant_same_amount_count_3d,
        card_merchant_txn_count_90d,
        card_days_since_merchant,
        card_category_txn_count_90d / nullif(card_txn_count_90d, 0) as card_category_share_90d,
        card_days_since_category
    from joined
    order by authorized_at, transaction_id
)

select * from final
