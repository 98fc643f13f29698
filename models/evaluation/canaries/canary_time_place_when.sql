-- Grain: one row per planted row of a feed, for the rules about time. What a row
-- leaves out is as the card usually pays (canary_rows). Times of day are in minutes: 720 is noon,
-- 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
),

final as (
    -- an evening in a bar, or a dinner after midnight
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        + to_minutes(
            (case when way_chance < 0.5 then 1330 else 1445 end + 100 * time_chance)::bigint
        ) as authorized_at,
        price * (12 + 30 * size_chance) as amount,
        canary_id || '_bar' as merchant_id,
        case when way_chance < 0.5 then '5813' else '5812' end as mcc
    from places
    where
        rule_id = 'time_place_001'
        and step = 1

    union all by name

    -- two days of leave
    select
        canary_id,
        'absences' as feed,
        step,
        employee_id,
        workday as starts_at,
        workday + interval 2 day as ends_at,
        'annual_leave' as kind
    from places
    where
        rule_id = 'time_place_002'
        and step = 1
        and employee_id is not null

    union all by name

    -- ... and a meal meanwhile
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((600 + 1500 * time_chance)::bigint) as authorized_at,
        price * (1 + 9 * size_chance) as amount,
        '5812' as mcc
    from places
    where
        rule_id = 'time_place_002'
        and step = 1
        and employee_id is not null

    union all by name

    -- shopping on a day off
    select
        canary_id,
        'card_transactions' as feed,
        step,
        day_off + to_minutes((600 + 600 * time_chance)::bigint) as authorized_at,
        price * (1.5 + 12 * size_chance) as amount,
        canary_id || '_market' as merchant_id,
        '5411' as mcc
    from places
    where
        rule_id = 'time_place_003'
        and step = 1

    union all by name

    -- lunch
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + interval 12 hour as authorized_at,
        price * (1 + 2 * size_chance) as amount,
        '5812' as mcc
    from places
    where
        rule_id = 'time_place_004'
        and step = 1

    union all by name

    -- ... claimed as an overtime meal
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 17 hour as submitted_at,
        price * (1 + 2 * size_chance) as amount,
        employee_id,
        canary_id || '_1' as transaction_id,
        'overtime meal' as purpose,
        'card' as payment
    from places
    where
        rule_id = 'time_place_004'
        and step = 1
        and employee_id is not null

    union all by name

    -- a holder who left some days ago
    select
        canary_id,
        'employees' as feed,
        step,
        employee_id,
        department_id,
        workday - interval 5 day as valid_from,
        (workday - to_days((1 + 3 * way_chance)::integer))::date as left_on
    from places
    where
        rule_id = 'time_place_005'
        and step = 1
        and employee_id is not null

    union all by name

    -- ... still buys
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((600 + 600 * time_chance)::bigint) as authorized_at,
        price * (1 + 9 * size_chance) as amount,
        '5812' as mcc
    from places
    where
        rule_id = 'time_place_005'
        and step = 1
        and employee_id is not null

    union all by name

    -- a holder who leaves in two weeks
    select
        canary_id,
        'employees' as feed,
        step,
        employee_id,
        department_id,
        workday - interval 5 day as valid_from,
        workday::date + 14 as left_on
    from places
    where
        rule_id = 'time_place_006'
        and step = 1
        and employee_id is not null

    union all by name

    -- ... buys things to keep
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(step::integer)
        + to_minutes((1100 + 60 * time_chance)::bigint) as authorized_at,
        price * (5 + 25 * size_chance) as amount,
        canary_id || '_shop' as merchant_id,
        '5732' as mcc
    from places
    where
        rule_id = 'time_place_006'
        and step <= 3
        and employee_id is not null
)

select * from final
