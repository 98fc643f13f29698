-- Grain: one row per active rule, canary and step of it: on whose card, where and when misuse is
-- planted, drawn from the purchases of the last weeks by the seed of the plan. The other models say
-- what is planted there, each with as many steps as it takes.
with

plan as (
    select
        seed,
        canaries_per_rule,
        days
    from {{ source('raw', 'canary_plan') }}
),

recent as (
    select
        transactions.*,
        row_number() over (
            partition by transactions.card_id
            order by
                {{ hash_fraction("concat_ws('|', plan.seed, transactions.transaction_id)") }},
                transactions.transaction_id
        ) as turn
    from {{ ref('int_transactions') }} as transactions
    cross join plan
    where
        transactions.is_purchase
        and transactions.transaction_date
        > (select max(transaction_date) from {{ ref('int_transactions') }}) - plan.days
),

-- one purchase a card, so that canaries of one card meet as seldom as there are cards
holders as (
    select
        recent.*,
        row_number() over (
            order by
                {{ hash_fraction("concat_ws('|', plan.seed, recent.card_id)") }},
                recent.card_id
        ) as holder_number,
        count(*) over () as holder_count,
        lead(recent.card_id) over in_department as colleague_card_id,
        lead(recent.employee_id) over in_department as colleague_id
    from recent
    cross join plan
    where recent.turn = 1
    window in_department as (
        partition by coalesce(recent.department_id, '')
        order by recent.card_id
    )
),

rules as (
    select
        rule_id,
        row_number() over (order by rule_id) as rule_number,
        count(*) over () as rule_count
    from {{ ref('rule_catalog') }}
    where stage <> 'retired'
),

numbered as (
    select
        rules.rule_id,
        rules.rule_number,
        rules.rule_count,
        unnest(range(1, plan.canaries_per_rule + 1)) as canary_number
    from rules
    cross join plan
),

steps as (
    select unnest(range(1, 41)) as step
),

dates as (
    select
        transaction_date,
        is_weekend or coalesce(is_holiday, false) as is_day_off,
        row_number() over (
            partition by is_weekend or coalesce(is_holiday, false)
            order by transaction_date desc
        ) as place,
        count(*) over (partition by is_weekend or coalesce(is_holiday, false)) as places
    from (
        select
            transaction_date,
            is_weekend,
            bool_or(is_holiday) as is_holiday
        from recent
        group by transaction_date, is_weekend
    ) as days
),

days_known as (
    select
        max(transaction_date) as last_date,
        max(transaction_date) filter (
            where
            extract('month' from transaction_date) % 3 = 0
            and last_day(transaction_date) - transaction_date < 5
        ) as quarter_end
    from recent
),

-- cards that slept for a quarter, and a year at most
sleepers as (
    select
        card_id,
        row_number() over (order by card_id) as sleeper_number
    from {{ ref('int_transactions') }}
    where
        is_purchase
        and transaction_date > (select last_date - 360 from days_known)
    group by card_id
    having max(transaction_date) < (select last_date - 110 from days_known)
),

old_purchases as (
    select
        employee_id,
        max_by(transaction_id, row(transaction_date, transaction_id)) as transaction_id,
        max_by(amount, row(transaction_date, transaction_id)) as amount
    from {{ ref('int_transactions') }}
    where
        is_purchase
        and transaction_date > (select last_date - 120 from days_known)
        and transaction_date < (select last_date - 60 from days_known)
    group by employee_id
),

-- what is cheap and what is dear is told by what the company usually pays
usual as (
    select
        currency,
        median(amount) as price
    from recent
    group by currency
),

final as (
    select
        'canary_' || numbered.rule_id || '_' || numbered.canary_number as canary_id,
        numbered.rule_id,
        numbered.canary_number,
        steps.step,
        holders.card_id,
        holders.employee_id,
        holders.department_id,
        holders.grade,
        holders.single_limit,
        holders.monthly_limit,
        holders.home_latitude,
        holders.home_longitude,
        case when holders.colleague_card_id <> holders.card_id then holders.colleague_card_id end
            as colleague_card_id,
        case when holders.colleague_id <> holders.employee_id then holders.colleague_id end
            as colleague_id,
        holders.transaction_id as base_transaction_id,
        holders.transaction_date as base_date,
        holders.merchant_id,
        holders.merchant_name,
        holders.merchant_city,
        holders.merchant_country,
        holders.latitude,
        holders.longitude,
        holders.mcc,
        holders.category,
        holders.currency,
        usual.price,
        coalesce(currencies.round_unit, 10) as round_unit,
        workdays.transaction_date::timestamp as workday,
        days_off.transaction_date::timestamp as day_off,
        days_known.last_date,
        days_known.quarter_end::timestamp as quarter_end,
        sleepers.card_id as sleeping_card_id,
        old_purchases.transaction_id as old_transaction_id,
        old_purchases.amount as old_amount,
        {{ hash_fraction(
            "concat_ws('|', plan.seed, 'size', numbered.rule_id, numbered.canary_number)"
        ) }} as size_chance,
        {{ hash_fraction(
            "concat_ws('|', plan.seed, 'time', numbered.rule_id, numbered.canary_number)"
        ) }} as time_chance,
        {{ hash_fraction(
            "concat_ws('|', plan.seed, 'way', numbered.rule_id, numbered.canary_number)"
        ) }} as way_chance
    from numbered
    cross join plan
    cross join steps
    cross join days_known
    inner join holders
        on
            (
                (numbered.canary_number - 1) * numbered.rule_count + numbered.rule_number - 1
            ) % holders.holder_count + 1 = holders.holder_number
    inner join usual on holders.currency = usual.currency
    left outer join {{ ref('currencies') }} as currencies
        on holders.currency = currencies.currency
    left outer join sleepers on numbered.canary_number = sleepers.sleeper_number
    left outer join old_purchases on holders.employee_id = old_purchases.employee_id
    left outer join dates as workdays
        on
            not workdays.is_day_off
            and numbered.canary_number % workdays.places + 1 = workdays.place
    left outer join dates as days_off
        on
            days_off.is_day_off
            and numbered.canary_number % days_off.places + 1 = days_off.place
)

select * from final
