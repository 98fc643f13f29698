-- Grain: one row per purchase of food and drink that, with those of the card at places next door
-- within the two hours before, is above its single limit.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category,
        transactions.single_limit,
        splits.neighbour_txn_count_2h,
        splits.neighbour_amount_sum_2h,
        splits.neighbour_kilometres_2h
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_transaction_split') }} as splits
        on
            transactions.transaction_date = splits.transaction_date
            and transactions.transaction_id = splits.transaction_id
),

final as (
    select
        'limit_evasion_005' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        neighbour_amount_sum_2h + amount as observed_value,
        single_limit as threshold_value,
        {{ evidence([
            'neighbour_txn_count_2h', 'neighbour_amount_sum_2h', 'neighbour_kilometres_2h', 'amount',
            'category',
        ]) }} as evidence
    from transactions
    where
        neighbour_txn_count_2h + 1
        >= {{ rule_threshold('limit_evasion_005', 'minimum_purchases') }}
        and amount <= single_limit
        and neighbour_amount_sum_2h + amount > single_limit
        -- a coffee after a dinner is no part of it, neither first nor last
        and amount >= {{ rule_threshold('limit_evasion_005', 'minimum_part') }} * single_limit
        and neighbour_amount_sum_2h
        >= {{ rule_threshold('limit_evasion_005', 'minimum_part') }}
        * neighbour_txn_count_2h * single_limit
)

select * from final
