-- Grain: one row per planted row of a feed, for the rules about cash-like purchases. What a row
-- leaves out is as the card usually pays (canary_rows). Times of day are in minutes: 720 is noon,
-- 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
),

final as (
    -- gift certificates on two days
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(step::integer)
        + to_minutes((800 + 100 * time_chance)::bigint) as authorized_at,
        greatest(round(price * (5 + 20 * size_chance) / round_unit), 1) * round_unit as amount,
        canary_id || '_vouchers' as merchant_id,
        '5947' as mcc
    from places
    where
        rule_id = 'cash_like_001'
        and step <= 2

    union all by name

    -- a single sum of hundreds of usual purchases
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((700 + 300 * time_chance)::bigint) as authorized_at,
        price * (150 + 350 * size_chance) as amount
    from places
    where
        rule_id = 'cash_like_002'
        and step = 1

    union all by name

    -- card discounting: round sums at a shop that nobody else uses, days apart
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days((3 * step)::integer)
        + to_minutes((850 + 200 * time_chance)::bigint) as authorized_at,
        greatest(round(price * (12 + 30 * size_chance) / round_unit), 1) * round_unit as amount,
        canary_id || '_shop' as merchant_id,
        '5399' as mcc
    from places
    where
        rule_id = 'cash_like_003'
        and step <= 3

    union all by name

    -- a dozen round sums at as many shops
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(((step - 1) // 2)::integer)
        + to_minutes((600 + 30 * step)::bigint) as authorized_at,
        greatest(round(price * (5 + step * size_chance) / round_unit), 1) * round_unit as amount,
        canary_id || '_shop_' || step as merchant_id,
        '5399' as mcc
    from places
    where
        rule_id = 'cash_like_004'
        and step <= 12

    union all by name

    -- the same odd sum five times
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(step::integer)
        + to_minutes((700 + 60 * time_chance)::bigint) as authorized_at,
        round(price * (5.37 + 8 * size_chance), 0) + 0.37 as amount,
        canary_id || '_shop_' || step as merchant_id,
        '5399' as mcc
    from places
    where
        rule_id = 'cash_like_006'
        and step <= 5

    union all by name

    -- far above what peers pay where the card usually pays
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((780 + 200 * time_chance)::bigint) as authorized_at,
        price * (40 + 60 * size_chance) as amount
    from places
    where
        rule_id = 'cash_like_008'
        and step = 1

    union all by name

    -- a round sum at a department store, where certificates are sold
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((800 + 200 * time_chance)::bigint) as authorized_at,
        greatest(round(price * (8 + 20 * size_chance) / round_unit), 1) * round_unit as amount,
        canary_id || '_store' as merchant_id,
        '5311' as mcc
    from places
    where
        rule_id = 'cash_like_009'
        and step = 1
)

select * from final
