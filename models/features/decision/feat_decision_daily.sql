{{ config(unique_key='decided_on', incremental_strategy='changed_days') }}
-- Grain: one row per subject and day on which decisions became available: what was known from that
-- day on about purchases at the merchant, in the category, of the department, or whose approver it
-- was.
with

decisions as (
    select
        decisions.decided_on,
        decisions.misuse,
        transactions.merchant_id,
        coalesce(transactions.category, 'unknown') as category_key,
        transactions.department_id,
        transactions.approver_id
    from {{ ref('label_decisions') }} as decisions
    inner join {{ ref('int_transactions') }} as transactions
        on
            decisions.transaction_id = transactions.transaction_id
            and decisions.available_at > transactions.authorized_at
            -- a decision on what is a year past says nothing about today
            and decisions.decided_on - 365 <= transactions.transaction_date
    where
        {{ in_changed_days('decisions.decided_on') }}
        and {{ in_changed_days('transactions.transaction_date', lookback=365) }}
        and transactions.is_purchase
),

by_subject as (
    select
        'merchant' as subject,
        merchant_id as subject_id,
        decided_on,
        misuse
    from decisions
    union all
    select
        'category' as subject,
        category_key as subject_id,
        decided_on,
        misuse
    from decisions
    union all
    select
        'department' as subject,
        department_id as subject_id,
        decided_on,
        misuse
    from decisions
    union all
    select
        'approver' as subject,
        approver_id as subject_id,
        decided_on,
        misuse
    from decisions
),

final as (
    select
        subject,
        subject_id,
        decided_on,
        count(*) as decided_count,
        count(*) filter (where misuse) as misuse_count
    from by_subject
    where subject_id is not null
    group by subject, subject_id, decided_on
    order by decided_on, subject, subject_id
)

select * from final
