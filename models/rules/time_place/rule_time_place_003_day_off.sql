-- Grain: one row per purchase on a Saturday, Sunday or holiday, not on a trip.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        is_ride,
        is_booked,
        is_debited,
        entry_mode,
        day_of_week,
        hour_of_day,
        is_day_off,
        is_holiday,
        is_on_trip
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'time_place_003' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('time_place_003', 'minimum_amount') }}::double as threshold_value,
        {{ evidence(['category', 'amount', 'day_of_week', 'hour_of_day', 'is_holiday']) }}
            as evidence
    from transactions
    where
        is_day_off = 1
        and amount > {{ rule_threshold('time_place_003', 'minimum_amount') }}
        -- a trip does not stop for the weekend
        and coalesce(is_on_trip, 0) = 0
        -- the small hours of a Saturday belong to Friday's evening
        and not coalesce(day_of_week = 6 and hour_of_day < {{ var('night_until_hour') }}, false)
        -- orders are placed, rooms and tickets booked, subscriptions and bills debited, on any day
        and coalesce(entry_mode, 'unknown') <> 'online'
        and is_booked is not true
        and is_debited is not true
        -- rides are to work or home
        and is_ride is not true
)

select * from final
