{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction of any status: what it says by itself, by the calendar and by the
-- registers of cards and employees as they were at that moment, without a past to compare it with.
with

transactions as (
    select * from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date') }}
),

final as (
    select
        transaction_id,
        transaction_date,

        -- the amount
        (amount / nullif(single_limit, 0))::double as amount_to_single_limit,
        -- counted as of won, whose round unit has four
        case
            when round_unit is null then null
            when billed_amount = 0 then 0
            {% for zeros in range(6, 0, -1) %}
                when billed_amount % (round_unit * {{ 10 ** zeros }} / 10000)::decimal(18, 4) = 0
                    then {{ zeros }}
            {% endfor %}
            else 0
        end::double as amount_trailing_zeros,
        is_round::integer::double as amount_is_round,

        -- the time
        case when has_time then extract('hour' from authorized_at) end::double as hour_of_day,
        case
            when has_time
                then
                    (
                        extract('hour' from authorized_at) >= {{ var('night_from_hour') }}
                        or extract('hour' from authorized_at) < {{ var('night_until_hour') }}
                    )::integer
        end::double as is_night,
        {{ iso_weekday('transaction_date') }}::double as day_of_week,
        (last_day(transaction_date) - transaction_date)::double as days_to_month_end,
        is_weekend::integer::double as is_weekend,
        is_holiday::integer::double as is_holiday,
        (is_weekend or coalesce(is_holiday, false))::integer::double as is_day_off,
        is_on_leave::integer::double as is_on_leave,
        is_on_trip::integer::double as is_on_trip,
        case
            when is_on_trip and coalesce(entry_mode, 'unknown') <> 'online'
                then (merchant_city <> trip_city)::integer
        end::double as is_outside_trip_city,
        (transaction_date - hired_on)::double as employee_days_since_hired,
        -- 0 says "has not left", which only the register of employees can say
        case when department_id is not null then greatest(transaction_date - left_on, 0) end::double
            as employee_days_since_left,
        case when left_on >= transaction_date then left_on - transaction_date end::double
            as employee_days_until_left,
        (transaction_date - employee_reported_at::date)::double as employee_days_since_reported,
        (transaction_date - limit_reported_at::date)::double as card_days_since_limit_reported,
        case
            when card_status is not null
                then greatest(transaction_date - card_valid_to::date, 0)
        end::double as card_days_since_expired,

        -- the place
        case
            when coalesce(entry_mode, 'unknown') <> 'online'
                then
                    {{ kilometres_between(
                        'home_latitude', 'home_longitude', 'latitude', 'longitude'
                    ) }}
        end as employee_kilometres_from_home
    from transactions
)

select * from final
