{{ config(unique_key='transaction_date', incremental_strategy='changed_days') }}
-- Grain: one row per card and day with a transaction. State behind the card's long windows.
-- Counts and sums are over purchases (approved, not a refund); declined attempts are counted apart.
with

transactions as (
    select
        *,
        case when has_time then {{ angle_of_day('authorized_at') }} end as angle
    from {{ ref('int_transactions') }}
    where {{ in_changed_days('transaction_date') }}
),

final as (
    select
        card_id,
        transaction_date,
        count(*) filter (where is_purchase) as txn_count,
        coalesce(sum(amount_exact) filter (where is_purchase), 0) as amount_sum,
        max(amount_exact) filter (where is_purchase) as amount_max,
        coalesce(sum({{ squared('amount_exact') }}) filter (where is_purchase), 0)
            as amount_square_sum,
        coalesce(sum(log_amount) filter (where is_purchase), 0) as log_amount_sum,
        coalesce(sum((log_amount * log_amount)::decimal(18, 12)) filter (where is_purchase), 0)
            as log_amount_square_sum,
        count(*) filter (where status = 'declined') as decline_count,
        count(*) filter (where is_purchase and is_round) as round_count,
        count(*) filter (
            where
            is_purchase
            and amount >= single_limit * {{ rule_reach('limit_evasion_002', 'from_share', 'from') }}
            and amount < single_limit * {{ var('near_limit_below') }}
        ) as near_limit_count,
        coalesce(
            sum(amount_exact) filter (where is_purchase and category_policy = 'cash_like'), 0
        ) as cash_like_amount_sum,
        -- times of day as points of the unit circle, for their mean direction
        count(angle) filter (where is_purchase) as timed_count,
        coalesce(sum(cos(angle)::decimal(9, 8)) filter (where is_purchase), 0) as time_cosine_sum,
        coalesce(sum(sin(angle)::decimal(9, 8)) filter (where is_purchase), 0) as time_sine_sum
    from transactions
    group by card_id, transaction_date
    order by transaction_date, card_id
)

select * from final
