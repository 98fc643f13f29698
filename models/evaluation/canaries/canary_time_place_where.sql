-- Grain: one row per planted row of a feed, for the rules about place. What a row
-- leaves out is as the card usually pays (canary_rows). Times of day are in minutes: 720 is noon,
-- 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
),

final as (
    -- groceries around the corner from the holder's home, two evenings
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(step::integer)
        + to_minutes((1150 + 120 * time_chance)::bigint) as authorized_at,
        price * (1 + 4 * size_chance) as amount,
        canary_id || '_market' as merchant_id,
        '5411' as mcc,
        home_latitude + 0.004 * time_chance as latitude,
        home_longitude as longitude
    from places
    where
        rule_id = 'time_place_007'
        and step <= 2
        and home_latitude is not null

    union all by name

    -- a purchase in person hundreds of kilometres away, without a trip
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((700 + 300 * time_chance)::bigint) as authorized_at,
        price * (1 + 9 * size_chance) as amount,
        canary_id || '_far' as merchant_id,
        '5812' as mcc,
        'far away' as merchant_city,
        coalesce(home_latitude, latitude) - 2 - 2 * way_chance as latitude,
        coalesce(home_longitude, longitude) as longitude
    from places
    where
        rule_id = 'time_place_008'
        and step = 1
        and coalesce(home_latitude, latitude) is not null

    union all by name

    -- a card in two places at once, 60 to 300 kilometres apart
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        + to_minutes((700 + 5 * step + (step - 1) * 10 * time_chance)::bigint) as authorized_at,
        price * (1 + 4 * size_chance) as amount,
        canary_id || '_place_' || step as merchant_id,
        latitude - (step - 1) * (0.6 + 2 * way_chance) as latitude,
        'contactless' as entry_mode
    from places
    where
        rule_id = 'time_place_009'
        and step <= 2
        and latitude is not null

    union all by name

    -- two days of a trip elsewhere
    select
        canary_id,
        'trips' as feed,
        step,
        employee_id,
        workday + to_minutes((360)::bigint) as starts_at,
        workday + interval 2 day as ends_at,
        'far away' as city
    from places
    where
        rule_id = 'time_place_010'
        and step = 1
        and employee_id is not null

    union all by name

    -- ... and a meal at home meanwhile
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((660 + 600 * time_chance)::bigint) as authorized_at,
        price * (1 + 4 * size_chance) as amount,
        '5812' as mcc
    from places
    where
        rule_id = 'time_place_010'
        and step = 1
        and employee_id is not null
        and merchant_city is not null
)

select * from final
