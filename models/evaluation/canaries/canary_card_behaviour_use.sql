-- Grain: one row per planted row of a feed, for the rules about how a card is used. What a
-- row leaves out is as the card usually pays (canary_rows). Times of day are in minutes: 720 is
-- noon, 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
),

final as (
    -- purchases with a card that slept
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((700 + 200 * step)::bigint) as authorized_at,
        price * (3 + 10 * size_chance) as amount,
        sleeping_card_id as card_id
    from places
    where
        rule_id = 'card_behaviour_001'
        and step <= 3
        and sleeping_card_id is not null

    union all by name

    -- seven purchases within two to four hours
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((800 + step * (17 + 16 * time_chance))::bigint) as authorized_at,
        price * (1 + 3 * size_chance) as amount,
        canary_id || '_shop_' || step as merchant_id
    from places
    where
        rule_id = 'card_behaviour_002'
        and step <= 7

    union all by name

    -- a card reported as lost
    select
        canary_id,
        'cards' as feed,
        step,
        card_id,
        employee_id,
        workday + to_minutes((480)::bigint) as valid_from,
        'lost' as status
    from places
    where
        rule_id = 'card_behaviour_003'
        and step = 1

    union all by name

    -- ... that still pays
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((600 + 500 * time_chance)::bigint) as authorized_at,
        price * (1 + 9 * size_chance) as amount
    from places
    where
        rule_id = 'card_behaviour_003'
        and step = 1

    union all by name

    -- a second card
    select
        canary_id,
        'cards' as feed,
        step,
        canary_id as card_id,
        employee_id,
        workday - interval 40 day as valid_from,
        single_limit,
        monthly_limit
    from places
    where
        rule_id = 'card_behaviour_004'
        and step = 1
        and employee_id is not null

    union all by name

    -- ... and one bill on both
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1150 + step * (5 + 100 * time_chance))::bigint) as authorized_at,
        price * (8 + 15 * size_chance) as amount,
        case when step = 1 then card_id else canary_id end as card_id
    from places
    where
        rule_id = 'card_behaviour_004'
        and step <= 2
        and employee_id is not null

    union all by name

    -- two refusals, then a smaller sum
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1200 + step * (1 + 2 * time_chance))::bigint) as authorized_at,
        price * (12 + 10 * size_chance) / step as amount,
        case when step < 3 then 'declined' else 'approved' end as status
    from places
    where
        rule_id = 'card_behaviour_005'
        and step <= 3

    union all by name

    -- a purchase, cancelled hours later, and booked again without its private part
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        + to_minutes((700 + (step - 1) * (130 + 300 * time_chance))::bigint) as authorized_at,
        case step when 1 then 1 when 2 then -1 else 0.6 + 0.4 * way_chance end
        * round(price * (6 + 20 * size_chance), 2) as amount,
        case when step = 2 then canary_id || '_1' end as original_transaction_id
    from places
    where
        rule_id = 'card_behaviour_006'
        and step <= 3

    union all by name

    -- money back from a shop where the card never paid
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((700 + 300 * time_chance)::bigint) as authorized_at,
        -price * (2 + 20 * size_chance) as amount,
        canary_id || '_shop' as merchant_id,
        '5732' as mcc
    from places
    where
        rule_id = 'card_behaviour_007'
        and step = 1
)

select * from final
