{{ config(unique_key='decided_on') }}
-- Grain: one row per decision on a transaction. A later decision on the same transaction is a
-- further row: what was known at a time is the latest decision before it.
with

landed as (
    select
        transaction_id,
        misuse,
        decided_at,
        'labels feed' as origin,
        load_id,
        load_line
    from {{ ref('stg_labels') }}
    where {{ in_changed_days('decided_at') }}
),

-- a decision on a case is a decision on each transaction that was in it by then
reviewed as (
    select
        case_members.transaction_id,
        review_events.event = 'recovery_ordered' as misuse,
        review_events.occurred_at as decided_at,
        'review' as origin,
        review_events.load_id,
        review_events.load_line
    from {{ ref('stg_review_events') }} as review_events
    inner join {{ source('ledger', 'case_members') }} as case_members
        on review_events.case_id = case_members.case_id
    inner join {{ source('ledger', 'issues') }} as issues
        on
            case_members.issue_id = issues.issue_id
            and review_events.occurred_at::date >= issues.issued_until
    where
        review_events.event in ('cleared', 'recovery_ordered')
        and {{ in_changed_days('review_events.occurred_at') }}
),

-- the same decision may land twice, or corrected: what landed last holds
decisions as (
    select
        *,
        row_number() over (
            partition by transaction_id, decided_at, origin
            order by load_id desc, load_line desc
        ) as recency
    from (
        select * from landed
        union all
        select * from reviewed
    ) as landed_and_reviewed
),

final as (
    select
        transaction_id,
        decided_at::date as decided_on,
        decided_at,
        misuse,
        origin
    from decisions
    where recency = 1
    order by decided_at, transaction_id
)

select * from final
