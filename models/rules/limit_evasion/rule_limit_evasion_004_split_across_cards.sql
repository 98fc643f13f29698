-- Grain: one row per purchase that, with those of other cards of the department at the same
-- merchant within the hour before, is above what the smallest of their limits allows.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.department_id,
        transactions.single_limit,
        splits.other_card_txn_count_1h,
        splits.other_card_amount_sum_1h,
        splits.other_card_single_limit_min_1h
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_transaction_split') }} as splits
        on
            transactions.transaction_date = splits.transaction_date
            and transactions.transaction_id = splits.transaction_id
),

final as (
    select
        'limit_evasion_004' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        other_card_amount_sum_1h + amount as observed_value,
        other_card_single_limit_min_1h as threshold_value,
        {{ evidence([
            'department_id', 'other_card_txn_count_1h', 'other_card_amount_sum_1h', 'amount',
            'single_limit',
        ]) }} as evidence
    from transactions
    where
        other_card_txn_count_1h + 1
        >= {{ rule_threshold('limit_evasion_004', 'minimum_purchases') }}
        and amount <= single_limit
        and other_card_amount_sum_1h + amount > other_card_single_limit_min_1h
        -- a coffee after a colleague's large bill is no part of it
        and amount
        >= {{ rule_threshold('limit_evasion_004', 'minimum_part') }}
        * other_card_single_limit_min_1h
)

select * from final
