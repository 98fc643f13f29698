{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase in person near the holder's home, as near as time_place_007 may ask
-- for: how near those of the 30 days before it were, and how far from home the holder pays in
-- general. Windows end strictly before the purchase.
with

purchases as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        employee_id,
        {{ kilometres_between('home_latitude', 'home_longitude', 'latitude', 'longitude') }}
            as kilometres
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=90) }}
        and is_purchase
        and coalesce(entry_mode, 'unknown') <> 'online'
),

near_home as (
    select * from purchases
    where
        {{ in_build_window('transaction_date') }}
        and kilometres <= {{ rule_reach('time_place_007', 'maximum_kilometres', 'to') }}
),

final as (
    select
        near_home.transaction_id,
        near_home.transaction_date,
        -- the rule counts those that are as near as it asks for
        coalesce(
            list(earlier.kilometres order by earlier.kilometres) filter (
                where
                earlier.kilometres <= {{ rule_reach('time_place_007', 'maximum_kilometres', 'to') }}
                and earlier.authorized_at >= near_home.authorized_at - interval 30 day
            ),
            []
        ) as employee_home_kilometres_30d,
        -- fewer than five say nothing
        case when count(earlier.kilometres) >= 5 then median(earlier.kilometres) end
            as employee_kilometres_from_home_median_90d
    from near_home
    left outer join purchases as earlier
        on
            near_home.employee_id = earlier.employee_id
            and near_home.authorized_at > earlier.authorized_at
            and near_home.authorized_at <= earlier.authorized_at + interval 90 day
    group by near_home.transaction_id, near_home.transaction_date
)

select * from final
