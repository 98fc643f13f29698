{{ config(contract={'enforced': true}) }}
-- Grain: one row per case and what its latest decision is about: a purchase that has a finding of
-- its own, or (transaction_id null) everything else in the case. A decision on the case stays here
-- when the case is reopened, until the next one.
with

alerts as (
    select
        case_id,
        alert_date as opened_on,
        currency
    from {{ source('ledger', 'alerts') }}
),

decisions as (
    select * from (
        select
            *,
            row_number() over (
                partition by case_id, transaction_id order by event_number desc
            ) as recency
        from {{ ref('case_events') }}
        where
            is_accepted
            and event in ('cleared', 'inconclusive', 'recovery_ordered')
    ) as each_decision
    where recency = 1
),

-- what a decision on the case is about has no decision of its own
expenses as (
    select
        case_members.case_id,
        case_members.joined_on,
        alerts.opened_on,
        case_members.amount,
        decisions.transaction_id as found_transaction_id
    from {{ ref('case_members') }} as case_members
    inner join alerts
        on
            case_members.case_id = alerts.case_id
            and case_members.currency = alerts.currency
    left outer join decisions
        on
            case_members.case_id = decisions.case_id
            and case_members.transaction_id = decisions.transaction_id
    where case_members.is_counted
),

final as (
    select
        decisions.case_id,
        decisions.transaction_id,
        decisions.event_number,
        decisions.event,
        decisions.reason,
        decisions.occurred_at as decided_at,
        decisions.amount,
        sum(expenses.amount)::decimal(18, 4) as covered_amount
    from decisions
    left outer join expenses
        on
            decisions.case_id = expenses.case_id
            -- what joined on the day of the decision came with the night's run, after it
            and (
                expenses.joined_on <= expenses.opened_on
                or decisions.occurred_at >= expenses.joined_on + 1
                or decisions.transaction_id is not null
            )
            and decisions.transaction_id is not distinct from expenses.found_transaction_id
    group by
        decisions.case_id,
        decisions.transaction_id,
        decisions.event_number,
        decisions.event,
        decisions.reason,
        decisions.occurred_at,
        decisions.amount
)

select * from final
