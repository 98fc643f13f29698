-- Claim: on every day each of the daily tables behind the long windows counts exactly the purchases
-- of int_transactions, those of a key that may be unknown exactly the purchases where it is known,
-- and those that sum amounts sum exactly theirs.
-- A returned row is a day and a table that disagree; every window over that day is wrong.
with

purchases as (
    select * from {{ ref('int_transactions') }}
    where is_purchase
),

known as (
    select
        'purchase' as known_key,
        transaction_date,
        count(*) as txn_count,
        sum(amount_exact) as amount_sum
    from purchases
    group by transaction_date
    union all
    select
        'employee' as known_key,
        transaction_date,
        count(*) as txn_count,
        sum(amount_exact) as amount_sum
    from purchases
    where employee_id is not null
    group by transaction_date
    union all
    select
        'department' as known_key,
        transaction_date,
        count(*) as txn_count,
        sum(amount_exact) as amount_sum
    from purchases
    where department_id is not null
    group by transaction_date
    union all
    select
        'city' as known_key,
        transaction_date,
        count(*) as txn_count,
        sum(amount_exact) as amount_sum
    from purchases
    where
        merchant_city is not null
        and coalesce(entry_mode, 'unknown') <> 'online'
    group by transaction_date
),

states as (
    select
        'feat_card_daily' as table_name,
        transaction_date,
        txn_count,
        amount_sum
    from {{ ref('feat_card_daily') }}
    union all
    select
        'feat_merchant_daily' as table_name,
        transaction_date,
        txn_count,
        amount_sum
    from {{ ref('feat_merchant_daily') }}
    union all
    select
        'feat_card_merchant_daily' as table_name,
        transaction_date,
        txn_count,
        null as amount_sum
    from {{ ref('feat_card_merchant_daily') }}
    union all
    select
        'feat_card_category_daily' as table_name,
        transaction_date,
        txn_count,
        amount_sum
    from {{ ref('feat_card_category_daily') }}
    union all
    select
        'feat_peer_daily' as table_name,
        transaction_date,
        txn_count,
        null as amount_sum
    from {{ ref('feat_peer_daily') }}
    union all
    select
        'feat_employee_daily' as table_name,
        transaction_date,
        txn_count,
        amount_sum
    from {{ ref('feat_employee_daily') }}
    union all
    select
        'feat_employee_merchant_daily' as table_name,
        transaction_date,
        txn_count,
        amount_sum
    from {{ ref('feat_employee_merchant_daily') }}
    union all
    select
        'feat_employee_category_daily' as table_name,
        transaction_date,
        txn_count,
        null as amount_sum
    from {{ ref('feat_employee_category_daily') }}
    union all
    select
        'feat_department_daily' as table_name,
        transaction_date,
        txn_count,
        amount_sum
    from {{ ref('feat_department_daily') }}
    union all
    select
        'feat_card_city_daily' as table_name,
        transaction_date,
        txn_count,
        null as amount_sum
    from {{ ref('feat_card_city_daily') }}
),

counted as (
    select
        table_name,
        transaction_date,
        sum(txn_count) as txn_count,
        sum(amount_sum) as amount_sum
    from states
    group by table_name, transaction_date
),

-- named one by one, so that a table without a row is seen too
table_keys as (
    select
        'feat_card_daily' as table_name,
        'purchase' as known_key
    union all
    select
        'feat_merchant_daily' as table_name,
        'purchase' as known_key
    union all
    select
        'feat_card_merchant_daily' as table_name,
        'purchase' as known_key
    union all
    select
        'feat_card_category_daily' as table_name,
        'purchase' as known_key
    union all
    select
        'feat_peer_daily' as table_name,
        'purchase' as known_key
    union all
    select
        'feat_employee_daily' as table_name,
        'employee' as known_key
    union all
    select
        'feat_employee_merchant_daily' as table_name,
        'employee' as known_key
    union all
    select
        'feat_employee_category_daily' as table_name,
        'employee' as known_key
    union all
    select
        'feat_department_daily' as table_name,
        'department' as known_key
    union all
    select
        'feat_card_city_daily' as table_name,
        'city' as known_key
),

-- every table on every day with such a purchase, so that a day it lacks is seen too
expected as (
    select
        table_keys.table_name,
        known.transaction_date,
        known.txn_count,
        known.amount_sum
    from known
    inner join table_keys on known.known_key = table_keys.known_key
)

select
    coalesce(expected.table_name, counted.table_name) as table_name,
    coalesce(expected.transaction_date, counted.transaction_date) as transaction_date,
    expected.txn_count as purchase_count,
    counted.txn_count,
    expected.amount_sum as purchase_amount_sum,
    counted.amount_sum
from expected
full outer join counted
    on
        expected.table_name = counted.table_name
        and expected.transaction_date = counted.transaction_date
where
    coalesce(expected.txn_count, 0) <> coalesce(counted.txn_count, 0)
    -- null where the table keeps no amounts
    or coalesce(expected.amount_sum, 0) <> counted.amount_sum
