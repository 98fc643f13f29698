-- Grain: one row per purchase in a category in which the department hardly ever buys.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category,
        transactions.category_policy,
        transactions.is_on_trip,
        -- peers are the department without the card that pays
        transactions.department_txn_count_90d - transactions.card_txn_count_90d
            as peers_txn_count_90d,
        greatest(
            rare.department_category_txn_count_90d - transactions.card_category_txn_count_90d, 0
        ) as peers_category_txn_count_90d
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_department_rare_category') }} as rare
        on
            transactions.transaction_date = rare.transaction_date
            and transactions.transaction_id = rare.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'merchant_005' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        peers_category_txn_count_90d as observed_value,
        (
            peers_txn_count_90d * {{ rule_threshold('merchant_005', 'maximum_share') }}
        )::double as threshold_value,
        {{ evidence([
            'category', 'peers_category_txn_count_90d', 'peers_txn_count_90d', 'amount',
        ]) }} as evidence
    from transactions
    where
        -- the other policies have rules of their own
        category_policy is null
        -- a trip needs what the desk does not
        and coalesce(is_on_trip, 0) = 0
        and amount > {{ rule_threshold('merchant_005', 'minimum_amount') }}
        and peers_txn_count_90d >= {{ rule_threshold('merchant_005', 'minimum_peer_purchases') }}
        and peers_category_txn_count_90d
        < peers_txn_count_90d * {{ rule_threshold('merchant_005', 'maximum_share') }}
)

select * from final
