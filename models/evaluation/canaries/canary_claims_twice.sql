-- Grain: one row per planted row of a feed, for the rules about one expense that is asked for
-- twice. What a row leaves out is as the card usually pays (canary_rows). Times of day are in
-- minutes: 720 is noon, 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
    where employee_id is not null
),

final as (
    -- one purchase
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday - interval 5 day + interval 12 hour as authorized_at,
        round(price * (3 + 10 * size_chance), 0) as amount
    from places
    where
        rule_id = 'claims_001'
        and step = 1

    union all by name

    -- ... claimed twice
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday
        - interval 5 day
        + to_days((2 * (step - 1))::integer)
        + interval 17 hour as submitted_at,
        round(price * (3 + 10 * size_chance), 0) as amount,
        employee_id,
        canary_id || '_1' as transaction_id,
        '8' || substr(md5(canary_id), 1, 10) as receipt_no,
        'card' as payment
    from places
    where
        rule_id = 'claims_001'
        and step <= 2

    union all by name

    -- a bill on the card
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((720 + 60 * time_chance)::bigint) as authorized_at,
        round(price * (3 + 10 * size_chance), 0) as amount
    from places
    where
        rule_id = 'claims_002'
        and step = 1

    union all by name

    -- ... and the same sum in cash
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 1 day + interval 17 hour as submitted_at,
        round(price * (3 + 10 * size_chance), 0) as amount,
        employee_id,
        'cash' as payment,
        'taxi' as purpose
    from places
    where
        rule_id = 'claims_002'
        and step = 1

    union all by name

    -- nearly the same sum on the same account, days apart
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday - to_days((2 * (2 - step))::integer) + interval 17 hour as submitted_at,
        round(price * (3 + 10 * size_chance) * (1 + 0.03 * (step - 1)), 0) as amount,
        employee_id,
        'canary account' as account_code,
        'r' || substr(md5(canary_id || step), 1, 10) as receipt_no,
        'card' as payment
    from places
    where
        rule_id = 'claims_004'
        and step <= 2

    union all by name

    -- one bill, paid by two
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1140 + step * (12 + 100 * time_chance))::bigint) as authorized_at,
        round(price * (5 + 15 * size_chance), 0) as amount,
        case when step = 1 then card_id else colleague_card_id end as card_id,
        '5812' as mcc
    from places
    where
        rule_id = 'claims_005'
        and step <= 2
        and colleague_id is not null

    union all by name

    -- ... and claimed by both
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 1 day + to_hours(step::integer) as submitted_at,
        round(price * (5 + 15 * size_chance), 0) as amount,
        case when step = 1 then employee_id else colleague_id end as employee_id,
        canary_id || '_' || step as transaction_id,
        'card' as payment
    from places
    where
        rule_id = 'claims_005'
        and step <= 2
        and colleague_id is not null

    union all by name

    -- two receipts of one pad, days apart
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday - to_days((3 * (2 - step))::integer) + interval 17 hour as submitted_at,
        round(price * (2 + step + size_chance), 0) as amount,
        employee_id,
        'canary-' || canary_number || '-' || (1000 + step) as receipt_no,
        'cash' as payment
    from places
    where
        rule_id = 'claims_006'
        and step <= 2

    union all by name

    -- a daily allowance, and the lunch it covers
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + to_hours((16 + step)::integer) as submitted_at,
        round(price * (1 + step * size_chance), 0) as amount,
        employee_id,
        case when step = 1 then 'daily allowance' else 'lunch on the way' end as purpose,
        'cash' as payment
    from places
    where
        rule_id = 'claims_007'
        and step <= 2
)

select * from final
