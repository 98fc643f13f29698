-- Grain: one row per planted row of a feed, for the rules about evaded limits. What a row
-- leaves out is as the card usually pays (canary_rows). Times of day are in minutes: 720 is noon,
-- 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
),

-- what the company pays for a day's meals is no matter of taste
allowance as (
    select max(threshold) as amount from {{ ref('rule_thresholds') }}
    where
        rule_id = 'limit_evasion_008'
        and parameter = 'daily_allowance'
),

final as (
    -- one bill above the limit, cut in two within hours
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((720 + step * (5 + 115 * time_chance))::bigint) as authorized_at,
        single_limit * (0.55 + 0.4 * size_chance) as amount
    from places
    where
        rule_id = 'limit_evasion_001'
        and step <= 2
        and single_limit is not null

    union all by name

    -- three purchases just below the limit, two days apart
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(2 * (3 - step)::integer)
        + to_minutes((780 + 200 * time_chance)::bigint) as authorized_at,
        single_limit * (0.92 + 0.07 * size_chance) as amount
    from places
    where
        rule_id = 'limit_evasion_002'
        and step <= 3
        and single_limit is not null

    union all by name

    -- a bill in two nearly equal halves within minutes
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1140 + step * (2 + 25 * time_chance))::bigint) as authorized_at,
        price * (8 + 12 * size_chance) * (1 - 0.04 * step * way_chance) as amount
    from places
    where
        rule_id = 'limit_evasion_003'
        and step <= 2

    union all by name

    -- half on a colleague's card
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1170 + step * (2 + 50 * time_chance))::bigint) as authorized_at,
        single_limit * (0.6 + 0.35 * size_chance) as amount,
        case when step = 1 then card_id else colleague_card_id end as card_id
    from places
    where
        rule_id = 'limit_evasion_004'
        and step <= 2
        and single_limit is not null
        and colleague_card_id is not null

    union all by name

    -- one evening in two bars next door to each other
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1260 + step * (10 + 90 * time_chance))::bigint) as authorized_at,
        single_limit * (0.55 + 0.4 * size_chance) as amount,
        canary_id || '_bar_' || step as merchant_id,
        '5813' as mcc,
        coalesce(latitude, 37.5) as latitude,
        coalesce(longitude, 127.0) + 0.001 * step as longitude
    from places
    where
        rule_id = 'limit_evasion_005'
        and step <= 2
        and single_limit is not null

    union all by name

    -- one meal just below the limit
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1140 + 60 * time_chance)::bigint) as authorized_at,
        single_limit * (0.91 + 0.08 * size_chance) as amount,
        '5812' as mcc
    from places
    where
        rule_id = 'limit_evasion_006'
        and step = 1
        and single_limit is not null

    union all by name

    -- an order in twelve parts on two cards of the department
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(((step - 1) // 2)::integer)
        + to_minutes((600 + step * 20 * time_chance)::bigint) as authorized_at,
        least(single_limit, price * (60 + 60 * size_chance)) as amount,
        case when step % 2 = 1 then card_id else colleague_card_id end as card_id,
        canary_id || '_shop' as merchant_id,
        '5045' as mcc
    from places
    where
        rule_id = 'limit_evasion_007'
        and step <= 12
        and single_limit is not null
        and colleague_card_id is not null

    union all by name

    -- the allowance to the won at one place, six days of eight
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days((step + step // 5)::integer)
        + to_minutes((730 + 20 * time_chance)::bigint) as authorized_at,
        (select allowance.amount from allowance) as amount,
        canary_id || '_canteen' as merchant_id,
        '5812' as mcc
    from places
    where
        rule_id = 'limit_evasion_008'
        and step <= 6

    union all by name

    -- fifteen rides home in a few days of one month
    select
        canary_id,
        'card_transactions' as feed,
        step,
        greatest(workday - to_days((step // 4)::integer), date_trunc('month', workday))
        + to_minutes((60 + step * 80)::bigint) as authorized_at,
        price * (2 + 3 * size_chance) as amount,
        '4121' as mcc
    from places
    where
        rule_id = 'limit_evasion_009'
        and step <= 15

    union all by name

    -- a limit doubled in the morning
    select
        canary_id,
        'cards' as feed,
        step,
        card_id,
        employee_id,
        workday + to_minutes((480)::bigint) as valid_from,
        single_limit * 2 as single_limit,
        monthly_limit * 2 as monthly_limit
    from places
    where
        rule_id = 'limit_evasion_010'
        and step = 1
        and single_limit is not null

    union all by name

    -- ... and used up within three days
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((600 + 4000 * time_chance)::bigint) as authorized_at,
        2 * single_limit * (0.82 + 0.17 * size_chance) as amount
    from places
    where
        rule_id = 'limit_evasion_010'
        and step = 1
        and single_limit is not null
)

select * from final
