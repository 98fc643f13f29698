-- Claim: on every day each of the daily tables behind the long windows counts exactly the purchases
-- of int_transactions, and those that sum amounts sum exactly theirs.
-- A returned row is a day and a table that disagree; every window over that day is wrong.
with

purchases as (
    select
        transaction_date,
        count(*) as txn_count,
        sum(amount_exact) as amount_sum
    from {{ ref('int_transactions') }}
    where is_purchase
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
        null as amount_sum
    from {{ ref('feat_card_category_daily') }}
    union all
    select
        'feat_peer_daily' as table_name,
        transaction_date,
        txn_count,
        null as amount_sum
    from {{ ref('feat_peer_daily') }}
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

table_names as (
    select distinct table_name from states
),

-- every table on every day with a purchase, so that a day it lacks is seen too
expected as (
    select
        table_names.table_name,
        purchases.transaction_date,
        purchases.txn_count,
        purchases.amount_sum
    from purchases
    cross join table_names
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
