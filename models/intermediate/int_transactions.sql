{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction, with card, employee and calendar as they were at that moment.
{% set from_purchase = [
    'posted_at', 'employee_id', 'merchant_name', 'merchant_registration_no', 'merchant_city',
    'merchant_country', 'merchant_type', 'merchant_tax_status', 'merchant_closed_on', 'latitude',
    'longitude', 'mcc', 'category', 'entry_mode', 'original_amount', 'original_currency',
    'tax_amount', 'approval_no', 'original_transaction_id',
] %}
with

versions as (
    {{ latest_versions(ref('stg_card_transactions'), 'transaction_id', 'authorized_at') }}
),

records as (
    select
        * exclude (authorized_at, record_kind, line_kind),
        coalesce(record_kind, 'purchase') as record_kind,
        coalesce(line_kind, case when amount < 0 then 'refund' else 'purchase' end) as line_kind,
        -- where only the day is known, whatever time the feed gives says nothing
        case
            when authorized_precision = 'day' then date_trunc('day', authorized_at)
            else authorized_at
        end as authorized_at,
        authorized_at::date as transaction_date
    from versions
),

-- an approval and its purchase are one: what the approval says, and what else its purchase does
transactions as (
    select
        -- noqa: disable=LT05,RF02
        records.* exclude (record_kind, amount, currency, {{ from_purchase | join(', ') }}),
        company.* exclude (threshold_factor, note),
        -- noqa: enable=LT05,RF02
        records.amount as billed_amount,
        records.currency as billed_currency,
        {{ in_company_currency('records.amount', 'records.currency') }} as amount,
        coalesce(rates.is_illustrative, false) as is_rate_illustrative,
        {% for name in from_purchase %}
            coalesce(records.{{ name }}, purchases.{{ name }}) as {{ name }},
        {% endfor %}
        purchases.transaction_id as purchase_record_id,
        case
            when purchases.transaction_id is not null then 'purchase' else records.record_kind
        end as record_kind
    from records
    {{ join_rates('records.currency', 'records.transaction_date') }}
    left outer join {{ ref('int_record_matches') }} as matches
        on records.transaction_id = matches.approval_id
    left outer join records as purchases on matches.purchase_id = purchases.transaction_id
    where records.transaction_id not in (select purchase_id from {{ ref('int_record_matches') }})
),

-- who approves the employee's claims: the approver of the last one, from its approval until a year
-- after its submission
claims as (
    select
        *,
        row_number() over (
            partition by claim_id
            order by load_id desc, load_line desc
        ) as recency
    from {{ ref('stg_expense_claims') }}
    where {{ in_changed_days('submitted_at', lookback=365) }}
),

approvals as (
    select
        employee_id,
        approver_id,
        approved_at as valid_from,
        least(
            lead(approved_at) over (partition by employee_id order by approved_at, claim_id),
            submitted_at + interval 365 day
        ) as valid_to
    from claims
    where
        recency = 1
        and approver_id is not null
        and approved_at is not null
),

with_card as (
    select
        transactions.*,
        coalesce(cards.employee_id, transactions.employee_id) as holder_id,
        cards.status as card_status,
        cards.single_limit,
        cards.monthly_limit,
        cards.limit_reported_at,
        cards.valid_to as card_valid_to
    from transactions
    left outer join {{ ref('int_cards') }} as cards
        on
            transactions.card_id = cards.card_id
            and transactions.authorized_at >= cards.valid_from
            and transactions.authorized_at < cards.next_valid_from
),

with_employee as (
    select
        with_card.*,
        employees.department_id,
        employees.grade,
        employees.manager_id,
        employees.hired_on,
        employees.left_on,
        employees.home_latitude,
        employees.home_longitude,
        employees.valid_from as employee_reported_at,
        coalesce(approvals.approver_id, employees.manager_id) as approver_id
    from with_card
    left outer join {{ ref('int_employees') }} as employees
        on
            with_card.holder_id = employees.employee_id
            and with_card.authorized_at >= employees.valid_from
            and with_card.authorized_at < employees.next_valid_from
    left outer join approvals
        on
            with_card.holder_id = approvals.employee_id
            and with_card.authorized_at >= approvals.valid_from
            and with_card.authorized_at < approvals.valid_to
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

-- a feed that has not sent a row yet is not the same as "nobody was away"
known_feeds as (
    select
        (select min(starts_at) from {{ ref('stg_absences') }}) as first_absence_at,
        (select min(starts_at) from {{ ref('stg_trips') }}) as first_trip_at
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
    -- noqa: disable=LT09
    select
        transactions.transaction_id, transactions.transaction_date, transactions.authorized_at,
        transactions.authorized_precision = 'second' as has_time,
        transactions.card_id, transactions.card_status, transactions.single_limit,
        transactions.monthly_limit, transactions.limit_reported_at, transactions.card_valid_to,
        transactions.holder_id as employee_id,
        transactions.department_id, transactions.grade, transactions.manager_id,
        transactions.approver_id, transactions.hired_on, transactions.left_on,
        transactions.home_latitude, transactions.home_longitude, transactions.employee_reported_at,
        case
            when
                transactions.authorized_at >= known_feeds.first_absence_at
                and transactions.holder_id is not null
                then absent.transaction_id is not null
        end as is_on_leave,
        absent.absence_kind,
        case
            when
                transactions.authorized_at >= known_feeds.first_trip_at
                and transactions.holder_id is not null
                then travelling.transaction_id is not null
        end as is_on_trip,
        travelling.trip_city, transactions.merchant_id, transactions.merchant_name,
        merchant_keywords.merchant_keyword, transactions.merchant_city,
        transactions.merchant_country, transactions.merchant_type, transactions.merchant_tax_status,
        transactions.merchant_closed_on, transactions.latitude, transactions.longitude,
        transactions.mcc, transactions.purchase_record_id,
        coalesce(merchant_categories.category, transactions.category) as category,
        merchant_categories.policy as category_policy,
        {% for nature in [
            'meal', 'going_out', 'goods', 'ride', 'booked', 'debited', 'office_service', 'overtime',
            'capped',
        ] %}
            coalesce(natures.is_{{ nature }}, false) as is_{{ nature }},
        {% endfor %}
        transactions.entry_mode, transactions.amount, transactions.currency,
        transactions.billed_amount, transactions.billed_currency, transactions.is_rate_illustrative,
        transactions.original_amount, transactions.original_currency, transactions.tax_amount,
        transactions.status, transactions.record_kind, transactions.line_kind,
        transactions.approval_no, transactions.original_transaction_id, currencies.round_unit,
        -- less than a cent is nothing: it would make means of zero, and ratios to them infinite
        transactions.status = 'approved'
        and transactions.line_kind = 'purchase'
        -- a bill repeats what was bought
        and transactions.record_kind <> 'billing'
        and coalesce(transactions.amount, transactions.billed_amount)::decimal(18, 2) > 0
            as is_purchase,
        contains(
            transactions.weekend_days, {{ iso_weekday('transactions.transaction_date') }}::varchar
        ) as is_weekend,
        -- without a calendar of the country it is not known whether the day was a holiday
        case
            when transactions.country in (select country from {{ ref('holidays') }})
                then off_days.holiday_date is not null
        end as is_holiday,
        transactions.billed_amount::decimal(18, 2) % currencies.round_unit = 0 as is_round,
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
    left outer join {{ ref('category_natures') }} as natures
        on coalesce(merchant_categories.category, transactions.category) = natures.category
    left outer join {{ ref('currencies') }} as currencies
        on transactions.billed_currency = currencies.currency
    left outer join {{ ref('holidays') }} as off_days
        on
            transactions.country = off_days.country
            and transactions.transaction_date = off_days.holiday_date
    order by transactions.authorized_at, transactions.transaction_id
)

select * from final
