{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase in a category that makes up less than a hundredth of what the
-- holder's department bought on the 90 whole days before.
with

category_days as (
    select
        department_key,
        category_key,
        transaction_date,
        {{ day_number('transaction_date') }} as day,
        sum(txn_count) as txn_count
    from {{ ref('feat_peer_daily') }}
    where
        {{ in_build_window('transaction_date', lookback=90) }}
        and department_key <> 'unknown'
        and category_key <> 'unknown'
    group by department_key, category_key, transaction_date
),

department_days as (
    select
        department_key,
        transaction_date,
        day,
        sum(txn_count) as txn_count
    from category_days
    group by department_key, transaction_date, day
),

categories as (
    select
        department_key,
        category_key,
        transaction_date,
        coalesce(sum(txn_count) over last_90d, 0) as txn_count_90d
    from category_days
    window last_90d as (
        partition by department_key, category_key order by day
        range between 90 preceding and 1 preceding
    )
),

departments as (
    select
        department_key,
        transaction_date,
        coalesce(sum(txn_count) over last_90d, 0) as txn_count_90d
    from department_days
    window last_90d as (
        partition by department_key order by day
        range between 90 preceding and 1 preceding
    )
),

final as (
    select
        transactions.transaction_id,
        transactions.transaction_date,
        categories.txn_count_90d::double as department_category_txn_count_90d
    from {{ ref('int_transactions') }} as transactions
    inner join categories
        on
            transactions.transaction_date = categories.transaction_date
            and transactions.department_id = categories.department_key
            and transactions.category = categories.category_key
    inner join departments
        on
            transactions.transaction_date = departments.transaction_date
            and transactions.department_id = departments.department_key
    where
        {{ in_build_window('transactions.transaction_date') }}
        and transactions.is_purchase
        and categories.txn_count_90d * 100 < departments.txn_count_90d
)

select * from final
