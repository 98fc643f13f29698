{{ config(contract={'enforced': true}, access='public') }}
-- Grain: one row per case and purchase or claim in it, as a person reads it. A second review has
-- the members of the case that it reviews again.
with

cases as (
    select
        case_id,
        coalesce(second_of, case_id) as member_case_id
    from {{ source('ledger', 'alerts') }}
),

members as (
    select
        cases.case_id,
        members.subject_type,
        members.subject_id,
        members.transaction_id,
        members.is_alert,
        members.joined_on,
        members.occurred_at,
        members.employee_id,
        members.merchant_id,
        members.common_cause,
        -- a claim on a purchase that is in the case too is not another expense
        row_number() over (
            partition by cases.case_id, coalesce(members.transaction_id, members.subject_id)
            order by members.subject_type desc, members.subject_id asc
        ) as number_of_expense,
        case when members.subject_type = 'claim' then members.subject_id end as claim_id
    from cases
    inner join {{ source('ledger', 'case_members') }} as members
        on cases.member_case_id = members.case_id
),

final as (
    select
        members.case_id,
        members.subject_type,
        members.subject_id,
        members.transaction_id,
        members.is_alert,
        members.joined_on,
        members.occurred_at,
        coalesce(transactions.has_time, true) as has_time,
        members.employee_id,
        members.merchant_id,
        coalesce(transactions.merchant_name, transactions.merchant_id, members.merchant_id)
            as merchant_name,
        coalesce(claims.amount, transactions.amount)::decimal(18, 4) as amount,
        coalesce(claims.currency, transactions.currency) as currency,
        members.common_cause,
        members.number_of_expense = 1 as is_counted
    from members
    left outer join {{ ref('int_transactions') }} as transactions
        on members.transaction_id = transactions.transaction_id
    left outer join {{ ref('int_claims') }} as claims
        on members.claim_id = claims.claim_id
)

select * from final
