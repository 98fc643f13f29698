-- Grain: one row per cash-like purchase (gift certificates, 상품권) above the card's sum for 30 days.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        category_policy,
        card_cash_like_amount_sum_30d,
        card_cash_like_amount_sum_today
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'cash_like_001' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (card_cash_like_amount_sum_30d + card_cash_like_amount_sum_today + amount)::double
            as observed_value,
        {{ rule_threshold('cash_like_001', 'maximum_sum_30d') }}::double as threshold_value,
        {{ evidence([
            'card_cash_like_amount_sum_30d', 'card_cash_like_amount_sum_today', 'amount',
        ]) }} as evidence
    from transactions
    where
        category_policy = 'cash_like'
        and card_cash_like_amount_sum_30d + card_cash_like_amount_sum_today + amount
        > {{ rule_threshold('cash_like_001', 'maximum_sum_30d') }}
)

select * from final
