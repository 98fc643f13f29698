-- Grain: one row per planted row of a feed, for the rules about claims that the expense policy does
-- not allow. What a row leaves out is as the card usually pays (canary_rows). Times of day are in
-- minutes: 720 is noon, 1,440 the midnight after. Chances run from 0 to 1.
with

places as (
    select * from {{ ref('canary_places') }}
    where employee_id is not null
),

final as (
    -- a dinner for two
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((720 + 60 * time_chance)::bigint) as authorized_at,
        round(price * (18 + 30 * size_chance), 0) as amount,
        '5812' as mcc
    from places
    where
        rule_id = 'claims_003'
        and step = 1

    union all by name

    -- ... with both named
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 20 hour as submitted_at,
        round(price * (18 + 30 * size_chance), 0) as amount,
        employee_id,
        canary_id || '_1' as transaction_id,
        2 as attendees,
        'card' as payment
    from places
    where
        rule_id = 'claims_003'
        and step = 1

    union all by name

    -- a claim without a receipt
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 17 hour as submitted_at,
        round(price * (4 + 10 * size_chance), 0) as amount,
        employee_id,
        'supplies' as purpose,
        'cash' as payment
    from places
    where
        rule_id = 'claims_008'
        and step = 1

    union all by name

    -- a purchase of long ago
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 17 hour as submitted_at,
        old_amount as amount,
        employee_id,
        old_transaction_id as transaction_id,
        'card' as payment
    from places
    where
        rule_id = 'claims_009'
        and step = 1
        and old_transaction_id is not null

    union all by name

    -- an evening in a closed kind of place
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1270 + 60 * time_chance)::bigint) as authorized_at,
        round(price * (3 + 15 * size_chance), 0) as amount,
        canary_id || '_bar' as merchant_id,
        '5813' as mcc
    from places
    where
        rule_id = 'claims_010'
        and step = 1

    union all by name

    -- ... as welfare
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 1 day + interval 9 hour as submitted_at,
        round(price * (3 + 15 * size_chance), 0) as amount,
        employee_id,
        canary_id || '_1' as transaction_id,
        '복리후생비' as account_code,
        'card' as payment
    from places
    where
        rule_id = 'claims_010'
        and step = 1

    union all by name

    -- a claim approved by who made it
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 17 hour as submitted_at,
        round(price * (1 + 10 * size_chance), 0) as amount,
        employee_id,
        employee_id as approver_id,
        workday + interval 18 hour as approved_at,
        'cash' as payment
    from places
    where
        rule_id = 'claims_011'
        and step = 1

    union all by name

    -- a claim approved within seconds
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 17 hour + interval 1 second as submitted_at,
        round(price * (5 + 10 * size_chance), 0) as amount,
        employee_id,
        colleague_id as approver_id,
        workday + interval 17 hour + to_seconds(3 + floor(5 * time_chance)) as approved_at,
        'card' as payment
    from places
    where
        rule_id = 'claims_012'
        and step = 1
        and colleague_id is not null

    union all by name

    -- a dinner with a guest
    select
        canary_id,
        'card_transactions' as feed,
        step,
        workday + to_minutes((1140 + 60 * time_chance)::bigint) as authorized_at,
        round(price * (9 + 20 * size_chance), 0) as amount,
        '5812' as mcc
    from places
    where
        rule_id = 'claims_013'
        and step = 1

    union all by name

    -- ... as entertainment
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 1 day + interval 9 hour as submitted_at,
        round(price * (9 + 20 * size_chance), 0) as amount,
        employee_id,
        canary_id || '_1' as transaction_id,
        '접대비' as account_code,
        2 as attendees,
        'card' as payment
    from places
    where
        rule_id = 'claims_013'
        and step = 1

    union all by name

    -- entertainment in cash
    select
        canary_id,
        'expense_claims' as feed,
        step,
        workday + interval 17 hour as submitted_at,
        round(price * (4 + 10 * size_chance), 0) as amount,
        employee_id,
        '접대비' as account_code,
        'cash' as payment
    from places
    where
        rule_id = 'claims_014'
        and step = 1
)

select * from final
