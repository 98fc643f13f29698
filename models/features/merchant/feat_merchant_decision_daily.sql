{{ config(unique_key='decided_on') }}
-- Grain: one row per merchant and day of decision: what became known about it that day.
with

decisions as (
    select * from {{ ref('label_decisions') }}
    where {{ in_build_window('decided_on') }}
),

transactions as (
    select
        transaction_id,
        merchant_id
    from {{ ref('int_transactions') }}
),

final as (
    select
        transactions.merchant_id,
        decisions.decided_on,
        count(*) as decided_count,
        count(*) filter (where decisions.misuse) as misuse_count
    from decisions
    inner join transactions on decisions.transaction_id = transactions.transaction_id
    group by transactions.merchant_id, decisions.decided_on
    order by decisions.decided_on, transactions.merchant_id
)

select * from final
