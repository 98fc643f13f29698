{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction in person at a known position, with the card's last known position
-- strictly before it, at most three days ago.
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        card_id,
        latitude,
        longitude
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=3) }}
        and has_time
        and is_purchase
        and latitude is not null
        and longitude is not null
        and coalesce(entry_mode, 'unknown') <> 'online'
),

-- one position a moment, or what happened in the same second would come before itself
positions as (
    select
        card_id,
        authorized_at,
        max_by(latitude, transaction_id) as latitude,
        max_by(longitude, transaction_id) as longitude
    from transactions
    group by card_id, authorized_at
),

moves as (
    select
        card_id,
        authorized_at,
        lag(authorized_at) over by_time as left_at,
        lag(latitude) over by_time as left_latitude,
        lag(longitude) over by_time as left_longitude
    from positions
    window by_time as (partition by card_id order by authorized_at)
),

final as (
    select
        transactions.transaction_id,
        transactions.transaction_date,
        {{ hours_between('moves.left_at', 'transactions.authorized_at') }}
            as card_hours_since_position,
        {{ kilometres_between(
            'moves.left_latitude', 'moves.left_longitude',
            'transactions.latitude', 'transactions.longitude'
        ) }} as card_kilometres_since_position
    from transactions
    inner join moves
        on
            transactions.card_id = moves.card_id
            and transactions.authorized_at = moves.authorized_at
            -- three days: the longest way that time_place_009 may ask for, at its lowest speed
            and {{ hours_between('moves.left_at', 'transactions.authorized_at') }}
            <= {{ rule_reach('time_place_009', 'maximum_kilometres', 'to', fixed=3600) }}
            / {{ rule_reach('time_place_009', 'maximum_speed', 'from', fixed=50) }}
    where {{ in_build_window('transactions.transaction_date') }}
)

select * from final
