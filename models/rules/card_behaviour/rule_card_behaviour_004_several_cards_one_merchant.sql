-- Grain: one row per purchase at a merchant where its holder used another card on the same day.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        amount
    from {{ ref('feat_transaction') }}
    where is_purchase
),

joined as (
    select
        transactions.*,
        episodes.employee_other_card_txn_count_today,
        episodes.employee_other_card_amount_sum_today
    from transactions
    inner join {{ ref('feat_transaction_episode') }} as episodes
        on
            transactions.transaction_date = episodes.transaction_date
            and transactions.transaction_id = episodes.transaction_id
),

final as (
    select
        'card_behaviour_004' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        (amount + employee_other_card_amount_sum_today)::double as observed_value,
        {{ rule_threshold('card_behaviour_004', 'minimum_amount') }}::double as threshold_value,
        {{ evidence([
            'employee_other_card_txn_count_today', 'employee_other_card_amount_sum_today', 'amount',
        ]) }} as evidence
    from joined
    where
        employee_other_card_txn_count_today + 1
        >= {{ rule_threshold('card_behaviour_004', 'minimum_purchases') }}
        and amount + employee_other_card_amount_sum_today
        >= {{ rule_threshold('card_behaviour_004', 'minimum_amount') }}
)

select * from final
