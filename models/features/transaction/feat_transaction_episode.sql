{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase that belongs together with what went before it: several purchases
-- with the card within five hours, declined attempts within ten minutes, a purchase at the merchant
-- that its holder had cancelled within seven days, or other cards of the holder at the merchant on
-- the same day; each from as many on as its rule may ask for.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        has_time,
        card_id,
        employee_id,
        coalesce(employee_id, card_id) as holder_key,
        merchant_id,
        amount_exact,
        status,
        is_purchase,
        original_transaction_id
    from {{ ref('int_transactions') }}
    -- seven days to a cancellation, and 30 more to what it cancelled
    where {{ in_build_window('transaction_date', lookback=37) }}
),

purchases as (
    select * from transactions
    where
        is_purchase
        and {{ in_build_window('transaction_date') }}
),

counted as (
    select
        transaction_id,
        count(*) over (
            partition by card_id order by {{ microsecond_number('authorized_at') }}
            range between {{ 5 * 3600 * 1000000 }} preceding and 1 preceding
        ) as txn_count
    from transactions
    where
        is_purchase
        and has_time
        and {{ in_build_window('transaction_date', lookback=1) }}
),

declined as (
    select
        purchases.transaction_id,
        count(*) as decline_count,
        min(attempts.amount_exact) as declined_amount_min
    from purchases
    inner join transactions as attempts
        on
            purchases.card_id = attempts.card_id
            and purchases.authorized_at > attempts.authorized_at
            and purchases.authorized_at <= attempts.authorized_at + interval 10 minute
    where
        attempts.status = 'declined'
        and attempts.has_time
        and purchases.has_time
    group by purchases.transaction_id
),

-- taken back whole: reversed, or refunded to the last won
cancellations as (
    select
        undone.card_id,
        undone.holder_key,
        undone.merchant_id,
        undone.authorized_at as cancelled_at,
        abs(undone.amount_exact) as amount_exact,
        coalesce(originals.transaction_id, undone.transaction_id) as cancelled_transaction_id,
        coalesce(originals.authorized_at, undone.authorized_at) as purchased_at
    from transactions as undone
    left outer join transactions as originals
        on
            undone.original_transaction_id = originals.transaction_id
            and undone.authorized_at > originals.authorized_at
            and undone.transaction_date - 30 <= originals.transaction_date
    where
        undone.amount_exact <> 0
        and (
            undone.status = 'reversed'
            or (undone.status = 'approved' and undone.amount_exact < 0)
        )
        and coalesce(originals.amount_exact = abs(undone.amount_exact), true)
),

-- the latest of them
cancelled as (
    select
        purchases.transaction_id,
        max_by(
            cancellations.cancelled_transaction_id,
            row(cancellations.cancelled_at, cancellations.cancelled_transaction_id)
        ) as cancelled_transaction_id,
        max_by(
            cancellations.amount_exact,
            row(cancellations.cancelled_at, cancellations.cancelled_transaction_id)
        ) as cancelled_amount,
        max_by(
            cancellations.purchased_at,
            row(cancellations.cancelled_at, cancellations.cancelled_transaction_id)
        ) as cancelled_purchase_at,
        max_by(
            cancellations.card_id <> purchases.card_id,
            row(cancellations.cancelled_at, cancellations.cancelled_transaction_id)
        ) as is_other_card
    from purchases
    inner join cancellations
        on
            purchases.holder_key = cancellations.holder_key
            and purchases.merchant_id = cancellations.merchant_id
            and purchases.authorized_at > cancellations.cancelled_at
            and purchases.authorized_at <= cancellations.cancelled_at + interval 7 day
    group by purchases.transaction_id
),

other_cards as (
    select
        purchases.transaction_id,
        count(*) as txn_count,
        sum(others.amount_exact) as amount_sum
    from purchases
    inner join transactions as others
        on
            purchases.employee_id = others.employee_id
            and purchases.merchant_id = others.merchant_id
            and purchases.transaction_date = others.transaction_date
            and purchases.card_id <> others.card_id
            -- of two bills of one moment the one with the larger identifier is the later
            and (
                purchases.authorized_at > others.authorized_at
                or (
                    purchases.authorized_at = others.authorized_at
                    and purchases.transaction_id > others.transaction_id
                )
            )
    where others.is_purchase
    group by purchases.transaction_id
),

final as (
    select
        purchases.transaction_id,
        purchases.transaction_date,
        counted.txn_count::double as card_txn_count_5h,
        case when purchases.has_time then coalesce(declined.decline_count, 0) end::double
            as card_decline_count_10m,
        declined.declined_amount_min::double as card_declined_amount_min_10m,
        cancelled.cancelled_transaction_id,
        cancelled.cancelled_amount::double as cancelled_amount,
        {{ hours_between('cancelled.cancelled_purchase_at', 'purchases.authorized_at') }}
            as hours_since_cancelled_purchase,
        cancelled.is_other_card::integer::double as is_other_card_than_cancelled,
        case when purchases.employee_id is not null then coalesce(other_cards.txn_count, 0) end
        ::double as employee_other_card_txn_count_today,
        case when purchases.employee_id is not null then coalesce(other_cards.amount_sum, 0) end
        ::double as employee_other_card_amount_sum_today
    from purchases
    left outer join counted on purchases.transaction_id = counted.transaction_id
    left outer join declined on purchases.transaction_id = declined.transaction_id
    left outer join cancelled on purchases.transaction_id = cancelled.transaction_id
    left outer join other_cards on purchases.transaction_id = other_cards.transaction_id
    where
        counted.txn_count + 1
        > {{ rule_reach('card_behaviour_002', 'maximum_purchases_5h', 'from') }}
        or coalesce(declined.decline_count, 0)
        >= {{ rule_reach('card_behaviour_005', 'minimum_declines', 'from') }}
        or cancelled.transaction_id is not null
        or coalesce(other_cards.txn_count, 0) + 1
        >= {{ rule_reach('card_behaviour_004', 'minimum_purchases', 'from') }}
)

select * from final
