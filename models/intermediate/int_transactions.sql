{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction, with card, employee and calendar as they were at that moment.
with

landed as (
    select
        *,
        authorized_at::date as transaction_date,
        row_number() over (
            partition by transaction_id
            order by load_id desc, load_line desc
        ) as recency
    from {{ ref('stg_card_transactions') }}
    where {{ in_build_window('authorized_at::date') }}
),

transactions as (
    select * from landed
    where recency = 1
),

cards as (
    select
        card_id,
        employee_id,
        status,
        single_limit,
        monthly_limit,
        valid_from,
        -- at most until the next row of the card begins: no moment has two
        least(
            valid_to,
            lead(valid_from) over (
                partition by card_id order by valid_from asc, load_id asc, load_line asc
            ),
            timestamp '9999-12-31'
        ) as valid_to
    from {{ ref('stg_cards') }}
),

employees as (
    select
        employee_id,
        department_id,
        grade,
        manager_id,
        hired_on,
        left_on,
        valid_from,
        -- at most until the next row of the employee begins: no moment has two
        least(
            valid_to,
            lead(valid_from) over (
                partition by employee_id order by valid_from asc, load_id asc, load_line asc
            ),
            timestamp '9999-12-31'
        ) as valid_to
    from {{ ref('stg_employees') }}
),

with_card as (
    select
        transactions.*,
        coalesce(cards.employee_id, transactions.employee_id) as holder_id,
        cards.status as card_status,
        cards.single_limit,
        cards.monthly_limit
    from transactions
    left outer join cards
        on
            transactions.card_id = cards.card_id
            and transactions.authorized_at >= cards.valid_from
            and transactions.authorized_at < cards.valid_to
),

with_employee as (
    select
        with_card.*,
        employees.department_id,
        employees.grade,
        employees.manager_id,
        employees.hired_on,
        employees.left_on
    from with_card
    left outer join employees
        on
            with_card.holder_id = employees.employee_id
            and with_card.authorized_at >= employees.valid_from
            and with_card.authorized_at < employees.valid_to
),

absent as (
    select
        transactions.transaction_id,
        min(absences.kind) as absence_kind
    from with_employee as transactions
    inner join {{ ref('stg_absences') }} as absences
        on
            transactions.holder_id = absences.employee_id
            and transactions.authorized_at >= absences.starts_at
            and transactions.authorized_at < absences.ends_at
    group by transactions.transaction_id
),

travelling as (
    select
        transactions.transaction_id,
        min(trips.city) as trip_city
    from with_employee as transactions
    inner join {{ ref('stg_trips') }} as trips
        on
            transactions.holder_id = trips.employee_id
            and transactions.authorized_at >= trips.starts_at
            and transactions.authorized_at < trips.ends_at
    group by transactions.transaction_id
),

-- a feed that never sent a row is not the same as "nobody was away"
known_feeds as (
    select
        exists(select 1 from {{ ref('stg_absences') }}) as has_absences,
        exists(select 1 from {{ ref('stg_trips') }}) as has_trips
),

-- restricted words are looked up once a merchant name, not once a transaction
merchant_keywords as (
    select
        merchant_names.merchant_name,
        min(keywords.keyword) as merchant_keyword
    from (select distinct merchant_name from transactions) as merchant_names
    inner join {{ ref('merchant_keywords') }} as keywords
        on contains(lower(merchant_names.merchant_name), keywords.keyword)
    group by merchant_names.merchant_name
),

final as (
    select
        transactions.transaction_id,
        transactions.transaction_date,
        transactions.authorized_at,
        transactions.authorized_precision = 'second' as has_time,
        transactions.card_id,
        transactions.card_status,
        transactions.single_limit,
        transactions.monthly_limit,
        transactions.holder_id as employee_id,
        transactions.department_id,
        transactions.grade,
        transactions.manager_id,
        transactions.hired_on,
        transactions.left_on,
        case
            when known_feeds.has_absences and transactions.holder_id is not null
                then absent.transaction_id is not null
        end as is_on_leave,
        absent.absence_kind,
        case
            when known_feeds.has_trips and transactions.holder_id is not null
                then travelling.transaction_id is not null
        end as is_on_trip,
        travelling.trip_city,
        transactions.merchant_id,
        transactions.merchant_name,
        merchant_keywords.merchant_keyword,
        transactions.merchant_city,
        transactions.merchant_country,
        transactions.mcc,
        coalesce(merchant_categories.category, transactions.category) as category,
        merchant_categories.policy as category_policy,
        transactions.entry_mode,
        transactions.amount,
        transactions.currency,
        transactions.status,
        transactions.original_transaction_id,
        -- less than a cent is nothing: it would make means of zero, and ratios to them infinite
        transactions.status = 'approved' and transactions.amount::decimal(18, 2) > 0 as is_purchase,
        dayofweek(transactions.transaction_date) in (0, 6) as is_weekend,
        -- without a calendar for the currency it is not known whether the day was a holiday
        case
            when currencies.holiday_country is not null then holidays.holiday_date is not null
        end as is_holiday,
        -- exact arithmetic, so that sums do not depend on the order of the rows
        transactions.amount::decimal(18, 2) as amount_exact,
        ln(greatest(transactions.amount, 0.01))::decimal(9, 6) as log_amount
    from with_employee as transactions
    cross join known_feeds
    left outer join absent on transactions.transaction_id = absent.transaction_id
    left outer join travelling on transactions.transaction_id = travelling.transaction_id
    left outer join merchant_keywords
        on transactions.merchant_name = merchant_keywords.merchant_name
    left outer join {{ ref('merchant_categories') }} as merchant_categories
        on transactions.mcc = merchant_categories.mcc
    left outer join {{ ref('currencies') }} as currencies
        on transactions.currency = currencies.currency
    left outer join {{ ref('holidays') }} as holidays
        on
            currencies.holiday_country = holidays.country
            and transactions.transaction_date = holidays.holiday_date
    order by transactions.authorized_at, transactions.transaction_id
)

select * from final
