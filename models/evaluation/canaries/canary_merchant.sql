-- Grain: one row per planted row of a feed, for the rules about merchants. What a row
-- leaves out is as the card usually pays (canary_rows). Times of day are in minutes: 720 is noon,
-- 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
),

final as (
    -- a purchase in a restricted category
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1200 + 300 * time_chance)::bigint) as authorized_at,
        price * (2 + 20 * size_chance) as amount,
        canary_id || '_place' as merchant_id,
        list_element(['5813', '7298', '7297', '7911', '7995'], 1 + floor(5 * way_chance)::integer)
            as mcc
    from places
    where
        rule_id = 'merchant_001'
        and step = 1

    union all by name

    -- a restricted place that is registered as a restaurant
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1200 + 300 * time_chance)::bigint) as authorized_at,
        price * (2 + 20 * size_chance) as amount,
        canary_id || '_place' as merchant_id,
        '강남 유흥주점' as merchant_name,
        '5812' as mcc
    from places
    where
        rule_id = 'merchant_002'
        and step = 1

    union all by name

    -- a bar that is registered as a restaurant
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1270 + 200 * time_chance)::bigint) as authorized_at,
        price * (9 + 20 * size_chance) as amount,
        canary_id || '_bar' as merchant_id,
        '블루 라운지' as merchant_name,
        '5812' as mcc
    from places
    where
        rule_id = 'merchant_003'
        and step = 1

    union all by name

    -- jewellery, cosmetics or a dentist
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((700 + 400 * time_chance)::bigint) as authorized_at,
        price * (3 + 20 * size_chance) as amount,
        canary_id || '_shop' as merchant_id,
        list_element(['5944', '5977', '8021'], 1 + floor(3 * way_chance)::integer) as mcc
    from places
    where
        rule_id = 'merchant_004'
        and step = 1

    union all by name

    -- something that the department never buys
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((700 + 400 * time_chance)::bigint) as authorized_at,
        price * (5 + 20 * size_chance) as amount,
        canary_id || '_shop' as merchant_id,
        list_element(['0780', '7933', '7841'], 1 + floor(3 * way_chance)::integer) as mcc
    from places
    where
        rule_id = 'merchant_005'
        and step = 1

    union all by name

    -- four purchases at a shop where nobody else of the company buys
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days((2 * step)::integer)
        + to_minutes((700 + 400 * time_chance)::bigint) as authorized_at,
        price * (4 + 10 * size_chance) as amount,
        canary_id || '_shop' as merchant_id,
        '5399' as mcc,
        'chip' as entry_mode
    from places
    where
        rule_id = 'merchant_006'
        and step <= 4

    union all by name

    -- most of the money at one restaurant
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(step::integer)
        + to_minutes((1140 + 60 * time_chance)::bigint) as authorized_at,
        price * (8 + 15 * size_chance) as amount,
        canary_id || '_restaurant' as merchant_id,
        '5812' as mcc,
        'chip' as entry_mode
    from places
    where
        rule_id = 'merchant_007'
        and step <= 8

    union all by name

    -- one place under two names
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(step::integer)
        + to_minutes((1260 + 60 * time_chance)::bigint) as authorized_at,
        price * (8 + 10 * size_chance) as amount,
        canary_id || '_name_' || step as merchant_id,
        canary_id || '_' || step as merchant_name,
        'reg_' || canary_id as merchant_registration_no,
        '5812' as mcc,
        'chip' as entry_mode
    from places
    where
        rule_id = 'merchant_008'
        and step <= 2
        and employee_id is not null

    union all by name

    -- a payment agency as the payee
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1300 + 100 * time_chance)::bigint) as authorized_at,
        price * (8 + 20 * size_chance) as amount,
        canary_id || '_agency' as merchant_id,
        'KG이니시스' as merchant_name,
        '5399' as mcc,
        'online' as entry_mode
    from places
    where
        rule_id = 'merchant_009'
        and step = 1

    union all by name

    -- a claim for a closed kind of place
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 17 hour as submitted_at,
        price * (5 + 20 * size_chance) as amount,
        employee_id,
        '유흥주점 2차' as purpose,
        'card' as payment
    from places
    where
        rule_id = 'merchant_010'
        and step = 1
        and employee_id is not null

    union all by name

    -- a restaurant by its category, entertainment by the card company's flag
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1270 + 200 * time_chance)::bigint) as authorized_at,
        price * (4 + 20 * size_chance) as amount,
        canary_id || '_lounge' as merchant_id,
        '5812' as mcc,
        'entertainment' as merchant_type
    from places
    where
        rule_id = 'merchant_012'
        and step = 1

    union all by name

    -- a business that closed within the last two years
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((700 + 500 * time_chance)::bigint) as authorized_at,
        price * (2 + 10 * size_chance) as amount,
        canary_id || '_closed' as merchant_id,
        '5812' as mcc,
        'closed' as merchant_tax_status,
        workday::date - (1 + floor(700 * way_chance)::integer) as merchant_closed_on
    from places
    where
        rule_id = 'merchant_013'
        and step = 1
)

select * from final
