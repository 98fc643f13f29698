{{ config(unique_key='transaction_date') }}
-- Grain: one row per merchant and day with a transaction: their past as that day begins.
-- A window of N days is the N whole days before it; longer ago than 365 days counts as never.
with

active as (
    select distinct merchant_id from {{ ref('feat_merchant_daily') }}
    where {{ in_build_window('transaction_date') }}
),

daily as (
    select
        *,
        {{ day_number('transaction_date') }} as day
    from {{ ref('feat_merchant_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=365) }}
        and merchant_id in (select merchant_id from active)
),

windowed as (
    select
        merchant_id,
        transaction_date,
        day,
        sum(txn_count) over last_7d as txn_count_7d,
        sum(amount_sum) over last_7d as amount_sum_7d,
        sum(card_count) over last_7d as card_days_7d,
        sum(txn_count) over last_14d as txn_count_14d,
        sum(txn_count) over last_30d as txn_count_30d,
        sum(amount_sum) over last_30d as amount_sum_30d,
        sum(txn_count) over last_90d as txn_count_90d,
        sum(amount_sum) over last_90d as amount_sum_90d,
        sum(amount_square_sum) over last_90d as amount_square_sum_90d,
        max(amount_max) over last_90d as amount_max_90d,
        sum({{ squared('amount_sum') }}) over days_8_to_90
            as earlier_amount_square_sum,
        sum(card_count) over days_8_to_90 as earlier_card_days,
        sum(txn_count) over last_365d as txn_count_365d,
        min(case when txn_count > 0 then day end) over last_365d as first_active_day,
        max(case when txn_count > 0 then day end) over last_365d as last_active_day
    from daily
    window
        last_7d as (
            partition by merchant_id order by day
            range between 7 preceding and 1 preceding
        ),
        last_14d as (
            partition by merchant_id order by day
            range between 14 preceding and 1 preceding
        ),
        last_30d as (
            partition by merchant_id order by day
            range between 30 preceding and 1 preceding
        ),
        last_90d as (
            partition by merchant_id order by day
            range between 90 preceding and 1 preceding
        ),
        days_8_to_90 as (
            partition by merchant_id order by day
            range between 90 preceding and 8 preceding
        ),
        last_365d as (
            partition by merchant_id order by day
            range between 365 preceding and 1 preceding
        )
),

compared as (
    select
        *,
        txn_count_90d - coalesce(txn_count_7d, 0) as earlier_txn_count,
        amount_sum_90d - coalesce(amount_sum_7d, 0) as earlier_amount_sum,
        -- of the days 8 to 90 before, those since the first purchase that is known
        case
            when first_active_day is not null then least(83, day - 7 - first_active_day)
        end as earlier_days,
        7 * coalesce(earlier_card_days, 0)::double / nullif(earlier_days, 0)
            as earlier_card_days_per_week
    from windowed
),

final as (
    select
        merchant_id,
        transaction_date,
        coalesce(txn_count_7d, 0)::double as merchant_txn_count_7d,
        coalesce(txn_count_14d, 0)::double as merchant_txn_count_14d,
        coalesce(txn_count_30d, 0)::double as merchant_txn_count_30d,
        amount_sum_30d::double / nullif(txn_count_30d, 0) as merchant_amount_mean_30d,
        coalesce(txn_count_90d, 0)::double as merchant_txn_count_90d,
        amount_sum_90d::double / nullif(txn_count_90d, 0) as merchant_amount_mean_90d,
        amount_max_90d::double as merchant_amount_max_90d,
        {{ standard_deviation('txn_count_90d', 'amount_sum_90d', 'amount_square_sum_90d') }}
            as merchant_amount_std_90d,
        coalesce(txn_count_365d, 0)::double as merchant_txn_count_365d,
        (day - last_active_day)::double as merchant_days_since_active,
        {{ amount_shift() }} as merchant_amount_shift_7d,
        -- card-days per week, of which chance alone makes a Poisson count
        case
            when earlier_days >= 28
                then
                    (coalesce(card_days_7d, 0)::double - earlier_card_days_per_week)
                    / sqrt(earlier_card_days_per_week + 1)
        end as merchant_card_shift_7d
    from compared
    where {{ in_build_window('transaction_date') }}
)

select * from final
