-- Claim: feat_transaction has the transactions of int_transactions and no others. The vector joins
-- seven tables; a past that is missing would silently take the transaction with it.
-- A returned row is a transaction without a vector, or a vector without a transaction.
select
    transactions.transaction_id,
    vectors.transaction_id as vector_transaction_id,
    coalesce(transactions.transaction_date, vectors.transaction_date) as transaction_date
from {{ ref('int_transactions') }} as transactions
full outer join {{ ref('feat_transaction') }} as vectors
    on
        transactions.transaction_date = vectors.transaction_date
        and transactions.transaction_id = vectors.transaction_id
where transactions.transaction_id is null or vectors.transaction_id is null
