-- Grain: one row per purchase that is smaller than all that was declined shortly before.
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
        episodes.card_decline_count_10m,
        episodes.card_declined_amount_min_10m
    from transactions
    inner join {{ ref('feat_transaction_episode') }} as episodes
        on
            transactions.transaction_date = episodes.transaction_date
            and transactions.transaction_id = episodes.transaction_id
),

final as (
    select
        'card_behaviour_005' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_decline_count_10m as observed_value,
        {{ rule_threshold('card_behaviour_005', 'minimum_declines') }}::double as threshold_value,
        {{ evidence(['card_decline_count_10m', 'card_declined_amount_min_10m', 'amount']) }}
            as evidence
    from joined
    where
        card_decline_count_10m >= {{ rule_threshold('card_behaviour_005', 'minimum_declines') }}
        and amount < card_declined_amount_min_10m
)

select * from final
