-- Grain: one row per purchase shortly after a nearly equal one of the card at the same merchant.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category,
        splits.card_merchant_minutes_since_purchase,
        splits.card_merchant_previous_amount
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_transaction_split') }} as splits
        on
            transactions.transaction_date = splits.transaction_date
            and transactions.transaction_id = splits.transaction_id
),

final as (
    select
        'limit_evasion_003' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_merchant_previous_amount + amount as observed_value,
        {{ rule_threshold('limit_evasion_003', 'minimum_sum') }}::double as threshold_value,
        {{ evidence([
            'card_merchant_minutes_since_purchase', 'card_merchant_previous_amount', 'amount',
            'category',
        ]) }} as evidence
    from transactions
    where
        card_merchant_minutes_since_purchase
        < {{ rule_threshold('limit_evasion_003', 'maximum_minutes') }}
        and abs(amount - card_merchant_previous_amount)
        <= {{ rule_threshold('limit_evasion_003', 'maximum_difference') }}
        * greatest(amount, card_merchant_previous_amount)
        and card_merchant_previous_amount + amount
        > {{ rule_threshold('limit_evasion_003', 'minimum_sum') }}
)

select * from final
