{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase in a category in which the other cards of the holder's department
-- made a smaller share of its purchases of the 90 whole days before than merchant_005 may ask for.
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
    inner join {{ ref('feat_department_history') }} as departments
        on
            transactions.transaction_date = departments.transaction_date
            and transactions.department_id = departments.department_id
    inner join {{ ref('feat_card_category_history') }} as cards
        on
            transactions.transaction_date = cards.transaction_date
            and transactions.card_id = cards.card_id
            and transactions.category = cards.category_key
    where
        {{ in_build_window('transactions.transaction_date') }}
        and transactions.is_purchase
        -- what the card itself buys there makes the category no less rare
        and categories.txn_count_90d - cards.card_category_txn_count_90d
        < departments.department_txn_count_90d
        * {{ rule_reach('merchant_005', 'maximum_share', 'to') }}
)

select * from final
