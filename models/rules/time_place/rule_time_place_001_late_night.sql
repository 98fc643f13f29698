-- Grain: one row per purchase late at night, or of a larger sum in a bar late in the evening.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        is_night,
        hour_of_day,
        is_on_trip,
        is_ride,
        is_booked,
        is_debited,
        case
            when is_night = 1 then {{ var('night_from_hour') }}
            else {{ rule_threshold('time_place_001', 'bar_from_hour') }}
        end::double as from_hour
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'time_place_001' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        hour_of_day as observed_value,
        from_hour as threshold_value,
        {{ evidence(['hour_of_day', 'amount', 'category', 'is_on_trip']) }} as evidence
    from transactions
    where
        (
            (
                is_night = 1
                and amount > {{ rule_threshold('time_place_001', 'minimum_amount') }}
            )
            -- a round of beer after dinner ends by then, an evening in a bar does not
            or (
                category = 'bar'
                and hour_of_day >= {{ rule_threshold('time_place_001', 'bar_from_hour') }}
                and amount > {{ rule_threshold('time_place_001', 'bar_minimum_amount') }}
            )
        )
        -- who travels eats late
        and coalesce(is_on_trip, 0) = 0
        -- rooms and flights are booked, subscriptions and bills debited, at any hour; who buys a
        -- ticket for the next train is there
        and (is_booked and not is_ride) is not true
        and is_debited is not true
)

select * from final
