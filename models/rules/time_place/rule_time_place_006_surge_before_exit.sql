-- Grain: one row per purchase of goods by somebody who is about to leave, above what the card spent
-- on such goods in earlier months.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        employee_days_until_left,
        card_category_amount_sum_30d,
        -- 30 days of the 60 before the last 30
        (card_category_amount_sum_90d - card_category_amount_sum_30d) / 2 as usual_sum_30d
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        -- things to keep or to sell; farewell dinners, rides and flowers are not
        and is_goods
),

final as (
    select
        'time_place_006' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_category_amount_sum_30d + amount as observed_value,
        {{ rule_threshold('time_place_006', 'minimum_ratio') }} * usual_sum_30d as threshold_value,
        {{ evidence([
            'employee_days_until_left', 'category', 'amount', 'card_category_amount_sum_30d',
            'usual_sum_30d',
        ]) }} as evidence
    from transactions
    where
        employee_days_until_left <= {{ rule_threshold('time_place_006', 'window_days') }}
        and card_category_amount_sum_30d + amount
        > {{ rule_threshold('time_place_006', 'minimum_ratio') }} * usual_sum_30d
        and amount > {{ rule_threshold('time_place_006', 'minimum_amount') }}
)

select * from final
