{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase after a limit of its card was raised, for as many days as
-- limit_evasion_010 may ask for and as long as the raised limits hold.
with

limits as (
    select
        card_id,
        valid_from,
        single_limit,
        monthly_limit,
        lag(single_limit) over by_time as earlier_single_limit,
        lag(monthly_limit) over by_time as earlier_monthly_limit
    from {{ ref('int_cards') }}
    window by_time as (partition by card_id order by valid_from)
),

-- a new status of the card is no change of its limits
changes as (
    select
        *,
        lead(valid_from, 1, timestamp '9999-12-31') over (
            partition by card_id order by valid_from
        ) as next_changed_at
    from limits
    where
        single_limit is distinct from earlier_single_limit
        or monthly_limit is distinct from earlier_monthly_limit
),

raises as (
    select
        *,
        single_limit / nullif(earlier_single_limit, 0) - 1 as single_limit_raise,
        monthly_limit / nullif(earlier_monthly_limit, 0) - 1 as monthly_limit_raise
    from changes
    where
        single_limit > earlier_single_limit
        or monthly_limit > earlier_monthly_limit
),

purchases as (
    select
        transactions.transaction_id,
        transactions.transaction_date,
        transactions.amount_exact,
        {{ microsecond_number('transactions.authorized_at') }} as microsecond,
        raises.card_id,
        raises.valid_from,
        raises.single_limit_raise,
        raises.monthly_limit_raise
    from {{ ref('int_transactions') }} as transactions
    inner join raises
        on
            transactions.card_id = raises.card_id
            and transactions.authorized_at >= raises.valid_from
            and transactions.authorized_at < raises.next_changed_at
            and transactions.transaction_date
            <= raises.valid_from::date
            + {{ rule_reach('limit_evasion_010', 'maximum_days', 'to') }}::integer
    where
        {{ in_build_window(
            'transactions.transaction_date',
            lookback=rule_reach('limit_evasion_010', 'maximum_days', 'to') ~ '::integer'
        ) }}
        and transactions.is_purchase
),

windowed as (
    select
        *,
        sum(amount_exact) over (
            partition by card_id, valid_from order by microsecond
            range between unbounded preceding and 1 preceding
        ) as amount_sum
    from purchases
),

final as (
    select
        transaction_id,
        transaction_date,
        (transaction_date - valid_from::date)::double as card_days_since_limit_raise,
        single_limit_raise as card_single_limit_raise,
        monthly_limit_raise as card_monthly_limit_raise,
        coalesce(amount_sum, 0)::double as card_amount_sum_since_limit_raise
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
