-- Grain: one row per purchase just below the card's single limit that follows others like it.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        single_limit,
        amount_to_single_limit,
        card_near_limit_count_30d,
        card_near_limit_count_today
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'limit_evasion_002' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (card_near_limit_count_30d + card_near_limit_count_today + 1)::double as observed_value,
        {{ rule_threshold('limit_evasion_002', 'minimum_purchases') }}::double as threshold_value,
        {{ evidence([
            'amount', 'single_limit', 'card_near_limit_count_30d', 'card_near_limit_count_today',
        ]) }} as evidence
    from transactions
    where
        amount_to_single_limit >= {{ rule_threshold('limit_evasion_002', 'from_share') }}
        and amount_to_single_limit < 1
        -- the days before, and the day itself
        and card_near_limit_count_30d + card_near_limit_count_today + 1
        >= {{ rule_threshold('limit_evasion_002', 'minimum_purchases') }}
)

select * from final
