-- Grain: one row per planted row of a feed, for the rules about what a card is used for. What a
-- row leaves out is as the card usually pays (canary_rows). Times of day are in minutes: 720 is
-- noon, 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
),

final as (
    -- a week of purchases ten times as dear, the last of a new kind
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days(((40 - step) // 4)::integer)
        + to_minutes((600 + 60 * (step % 4))::bigint) as authorized_at,
        price * (20 + 60 * size_chance) as amount,
        canary_id || '_shop' as merchant_id,
        case when step = 40 then '0780' else mcc end as mcc
    from places
    where
        rule_id = 'card_behaviour_008'
        and step <= 40
        and step > 20

    union all by name

    -- forty dear purchases in one month
    select
        canary_id,
        'card_transactions' as feed,
        step,
        greatest(workday - to_days((step // 6)::integer), date_trunc('month', workday))
        + to_minutes((500 + 60 * (step % 6))::bigint) as authorized_at,
        price * (15 + 30 * size_chance) as amount
    from places
    where
        rule_id = 'card_behaviour_009'
        and step <= 40

    union all by name

    -- somebody new
    select
        canary_id,
        'employees' as feed,
        step,
        canary_id as employee_id,
        department_id,
        grade,
        workday - interval 12 day as valid_from,
        workday::date - 12 as hired_on
    from places
    where
        rule_id = 'card_behaviour_010'
        and step = 1
        and employee_id is not null

    union all by name

    -- ... with a new card
    select
        canary_id,
        'cards' as feed,
        step,
        canary_id as card_id,
        canary_id as employee_id,
        workday - interval 10 day as valid_from,
        single_limit,
        monthly_limit
    from places
    where
        rule_id = 'card_behaviour_010'
        and step = 1
        and employee_id is not null

    union all by name

    -- ... and a dear purchase after a small one
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday
        - to_days((3 * (2 - step))::integer)
        + to_minutes((700 + 300 * time_chance)::bigint) as authorized_at,
        price * case when step = 1 then 1 else 25 + 40 * size_chance end as amount,
        canary_id as card_id,
        canary_id as employee_id
    from places
    where
        rule_id = 'card_behaviour_010'
        and step <= 2
        and employee_id is not null

    union all by name

    -- a purchase found to be misuse
    select
        canary_id,
        'labels' as feed,
        step,
        base_transaction_id as transaction_id,
        true as misuse,
        base_date + interval 30 hour as decided_at
    from places
    where
        rule_id = 'card_behaviour_011'
        and step = 1
        and base_date + 4 <= last_date

    union all by name

    -- ... and a dear one two days later
    select
        canary_id,
        'card_transactions' as feed,
        step,
        base_date::timestamp
        + interval 2 day
        + to_minutes((700 + 600 * time_chance)::bigint) as authorized_at,
        price * (16 + 40 * size_chance) as amount
    from places
    where
        rule_id = 'card_behaviour_011'
        and step = 1
        and base_date + 4 <= last_date

    union all by name

    -- a budget emptied in the last days of a quarter
    select
        canary_id,
        'card_transactions' as feed,
        step,
        quarter_end + to_minutes((700 + 300 * time_chance)::bigint) as authorized_at,
        price * (50 + 100 * size_chance) as amount
    from places
    where
        rule_id = 'card_behaviour_012'
        and step = 1
        and quarter_end is not null
)

select * from final
