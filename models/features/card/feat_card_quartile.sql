{{ config(unique_key='transaction_date') }}
-- Grain: one row per card and day with a purchase: quartiles of the card's log amounts over the 90
-- whole days before that day. Of single purchases: a quantile cannot be put together from daily
-- state.
with

active_cards as (
    select distinct card_id from {{ ref('feat_card_daily') }}
    where {{ in_build_window('transaction_date') }}
),

purchases as (
    select
        card_id,
        transaction_date,
        count(*) over last_90d as txn_count,
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

-- all purchases of a day look back on the same; fewer than five say nothing
final as (
    select
        card_id,
        transaction_date,
        min(median)::double as card_log_amount_median_90d,
        min(upper_quartile - lower_quartile)::double as card_log_amount_quartile_range_90d
    from purchases
    where
        txn_count >= 5
        and {{ in_build_window('transaction_date') }}
    group by card_id, transaction_date
)

select * from final
