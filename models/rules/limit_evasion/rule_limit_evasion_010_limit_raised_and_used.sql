-- Grain: one row per purchase by which a limit that was just raised is nearly used up.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.single_limit,
        transactions.monthly_limit,
        raises.card_days_since_limit_raise,
        raises.card_single_limit_raise,
        raises.card_monthly_limit_raise,
        raises.card_amount_sum_since_limit_raise,
        -- of two limits that were raised, the one that is used more
        greatest(
            case
                when
                    raises.card_single_limit_raise
                    > {{ rule_threshold('limit_evasion_010', 'minimum_raise') }}
                    then transactions.amount / nullif(transactions.single_limit, 0)
            end,
            case
                when
                    raises.card_monthly_limit_raise
                    > {{ rule_threshold('limit_evasion_010', 'minimum_raise') }}
                    then
                        (raises.card_amount_sum_since_limit_raise + transactions.amount)
                        / nullif(transactions.monthly_limit, 0)
            end
        ) as used_share
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_transaction_limit_raise') }} as raises
        on
            transactions.transaction_date = raises.transaction_date
            and transactions.transaction_id = raises.transaction_id
),

final as (
    select
        'limit_evasion_010' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        used_share as observed_value,
        {{ rule_threshold('limit_evasion_010', 'minimum_use') }}::double as threshold_value,
        {{ evidence([
            'card_days_since_limit_raise', 'card_single_limit_raise', 'card_monthly_limit_raise',
            'card_amount_sum_since_limit_raise', 'amount', 'single_limit', 'monthly_limit',
        ]) }} as evidence
    from transactions
    where
        used_share > {{ rule_threshold('limit_evasion_010', 'minimum_use') }}
        and card_days_since_limit_raise
        <= {{ rule_threshold('limit_evasion_010', 'maximum_days') }}
)

select * from final
