{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase of an employee who, in the 30 days before it, paid at the same place
-- under another name: at another merchant with the same registration number, or at one whose
-- terminal stands within a metre.
with

registrations as (
    select
        transaction_id,
        max_by(merchant_registration_no, row(load_id, load_line)) as registration_no
    from {{ ref('stg_card_transactions') }}
    where {{ in_build_window('authorized_at', lookback=30) }}
    group by transaction_id
),

purchases as (
    select
        transactions.transaction_id,
        transactions.transaction_date,
        {{ microsecond_number('transactions.authorized_at') }} as microsecond,
        transactions.employee_id,
        transactions.merchant_id,
        transactions.merchant_name,
        transactions.amount_exact,
        registrations.registration_no,
        -- an online shop is where its server is
        case
            when coalesce(transactions.entry_mode, 'unknown') <> 'online'
                then
                    round(transactions.latitude, 5)::varchar
                    || ' ' || round(transactions.longitude, 5)::varchar
        end as spot
    from {{ ref('int_transactions') }} as transactions
    left outer join registrations on transactions.transaction_id = registrations.transaction_id
    where
        {{ in_build_window('transactions.transaction_date', lookback=30) }}
        and transactions.is_purchase
        and transactions.employee_id is not null
        and transactions.merchant_name is not null
),

places as (
    select
        'registration number' as shared,
        registration_no as place,
        transaction_id,
        transaction_date,
        microsecond,
        employee_id,
        merchant_id,
        merchant_name,
        amount_exact
    from purchases
    where registration_no is not null
    union all
    select
        'position' as shared,
        spot as place,
        transaction_id,
        transaction_date,
        microsecond,
        employee_id,
        merchant_id,
        merchant_name,
        amount_exact
    from purchases
    where spot is not null
),

-- hardly any place goes by several names, so only those few are compared
several_names as (
    select
        shared,
        place,
        employee_id
    from places
    group by shared, place, employee_id
    having count(distinct merchant_id) > 1
),

named as (
    select places.*
    from places
    inner join several_names
        on
            places.shared = several_names.shared
            and places.place = several_names.place
            and places.employee_id = several_names.employee_id
),

-- an earlier purchase counts once, whatever the two merchants share
twins as (
    select
        later.transaction_id,
        later.transaction_date,
        earlier.transaction_id as earlier_transaction_id,
        earlier.microsecond as earlier_microsecond,
        earlier.merchant_id,
        earlier.merchant_name,
        earlier.amount_exact,
        max(later.shared) as shared
    from named as later
    inner join named as earlier
        on
            later.shared = earlier.shared
            and later.place = earlier.place
            and later.employee_id = earlier.employee_id
            and later.merchant_id <> earlier.merchant_id
            and later.merchant_name <> earlier.merchant_name
            and later.microsecond > earlier.microsecond
            and later.microsecond <= earlier.microsecond + {{ 30 * 86400 * 1000000 }}
    where {{ in_build_window('later.transaction_date') }}
    group by
        later.transaction_id,
        later.transaction_date,
        earlier.transaction_id,
        earlier.microsecond,
        earlier.merchant_id,
        earlier.merchant_name,
        earlier.amount_exact
),

final as (
    select
        transaction_id,
        transaction_date,
        max_by(merchant_id, row(earlier_microsecond, earlier_transaction_id))
            as twin_merchant_id,
        max_by(merchant_name, row(earlier_microsecond, earlier_transaction_id))
            as twin_merchant_name,
        max_by(shared, row(earlier_microsecond, earlier_transaction_id)) as twin_shared,
        sum(amount_exact)::double as employee_twin_amount_sum_30d
    from twins
    group by transaction_id, transaction_date
)

select * from final
