{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase at a merchant that may not be what its category says: a restaurant
-- where people pay late in the evening, or a name that holds a word of merchant_keywords. Hours and
-- tickets of a restaurant are those of the 365 days before the purchase and of the purchase itself,
-- without others of the same second.
with

purchases as (
    select
        transaction_id,
        transaction_date,
        merchant_id,
        merchant_name
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date') }}
        and is_purchase
),

-- words are looked up once a merchant name, not once a purchase
worded as (
    select
        merchant_names.merchant_name,
        min(keywords.keyword) filter (where keywords.meaning in ('restricted', 'gift_card'))
            as restricted_keyword,
        min(keywords.keyword) filter (where keywords.meaning = 'bar') as bar_keyword,
        min(keywords.keyword) filter (where keywords.meaning = 'payment_aggregator')
            as aggregator_keyword
    from (select distinct merchant_name from purchases) as merchant_names
    inner join {{ ref('merchant_keywords') }} as keywords
        on contains(lower(merchant_names.merchant_name), keywords.keyword)
    group by merchant_names.merchant_name
),

restaurant_purchases as (
    select
        transaction_id,
        transaction_date,
        merchant_id,
        amount_exact,
        {{ microsecond_number('authorized_at') }} as microsecond,
        -- the day begins when the night ends: half past midnight is later than eleven
        (
            extract('hour' from authorized_at) * 3600
            + extract('minute' from authorized_at) * 60
            + extract('second' from authorized_at)
            + (24 - {{ var('night_until_hour') }}) * 3600
        ) % 86400 as second_of_day
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=365) }}
        and is_purchase
        and has_time
        and category = 'restaurant'
        and merchant_id in (select merchant_id from purchases)
),

windowed as (
    select
        transaction_id,
        transaction_date,
        second_of_day,
        amount_exact,
        count(*) over last_365d as earlier_count,
        coalesce(sum(second_of_day) over last_365d, 0) as earlier_second_sum,
        coalesce(sum(amount_exact) over last_365d, 0) as earlier_amount_sum
    from restaurant_purchases
    window last_365d as (
        partition by merchant_id order by microsecond
        range between {{ 365 * 86400 * 1000000 }} preceding and 1 preceding
    )
),

restaurants as (
    select
        transaction_id,
        transaction_date,
        {{ var('night_until_hour') }}
        + (earlier_second_sum + second_of_day)::double / (earlier_count + 1) / 3600
            as merchant_usual_hour_365d,
        (earlier_amount_sum + amount_exact)::double / (earlier_count + 1)
            as merchant_ticket_mean_365d
    from windowed
    where {{ in_build_window('transaction_date') }}
),

final as (
    select
        purchases.transaction_id,
        purchases.transaction_date,
        restaurants.merchant_usual_hour_365d,
        restaurants.merchant_ticket_mean_365d,
        worded.restricted_keyword,
        worded.bar_keyword,
        worded.aggregator_keyword
    from purchases
    left outer join restaurants
        on
            purchases.transaction_date = restaurants.transaction_date
            and purchases.transaction_id = restaurants.transaction_id
    left outer join worded on purchases.merchant_name = worded.merchant_name
    where
        worded.merchant_name is not null
        -- dinner is over early: what is usually paid before is no bar
        or restaurants.merchant_usual_hour_365d
        >= {{ rule_reach('merchant_003', 'from_hour', 'from') }}
)

select * from final
