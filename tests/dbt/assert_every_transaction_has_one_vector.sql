-- Claim: on the days that this run computes, feat_transaction has the transactions of
-- int_transactions and no others. The vector joins many tables; a past that is missing would
-- silently take the transaction with it. What landed late for an earlier day may wait for
-- `cardwatch run --since`.
-- A returned row is a transaction without a vector, or a vector without a transaction.
with

build_window as (
    select
        built_from,
        built_until
    from {{ ref('build_window') }}
),

transactions as (
    select
        transaction_id,
        transaction_date
    from {{ ref('int_transactions') }}
    where
        transaction_date >= (select built_from from build_window)
        and transaction_date <= (select built_until from build_window)
),

vectors as (
    select
        transaction_id,
        transaction_date
    from {{ ref('feat_transaction') }}
    where
        transaction_date >= (select built_from from build_window)
        and transaction_date <= (select built_until from build_window)
)

select
    transactions.transaction_id,
    vectors.transaction_id as vector_transaction_id,
    coalesce(transactions.transaction_date, vectors.transaction_date) as transaction_date
from transactions
full outer join vectors
    on
        transactions.transaction_date = vectors.transaction_date
        and transactions.transaction_id = vectors.transaction_id
where transactions.transaction_id is null or vectors.transaction_id is null
