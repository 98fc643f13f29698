{{ config(unique_key='decided_on') }}
-- Grain: one row per decision on a transaction and moment from which it may be read. A later
-- decision on the same transaction is a further row: what was known at a time is the latest
-- decision among those available by then. Everything that learns reads by decided_on, the day of
-- availability.
with

landed as (
    select
        transaction_id,
        decided_at,
        greatest(decided_at, coalesce(available_at, decided_at)) as available_at,
        misuse,
        case when misuse then 'known_misuse' else 'known_innocent' end as outcome,
        'labels feed' as origin,
        null::varchar as case_id,
        null::varchar as lane,
        load_id,
        load_line
    from {{ ref('stg_labels') }}
),

budget as (
    select
        valid_from,
        valid_to,
        second_review_share
    from {{ ref('budget_periods') }}
),

-- A second review is there for agreement, not for labels, unless it is about a finding of the
-- audit. There a mistake stands for hundreds of purchases: it is a label once the second review,
-- which follows where there is one at all, has said so.
reviews as (
    select
        alerts.case_id,
        alerts.alert_date as opened_on,
        coalesce(alerts.second_of, alerts.case_id) as member_case_id,
        coalesce(originals.lane, alerts.lane) as lane,
        alerts.lane = 'audit' and coalesce(budget.second_review_share > 0, false)
            as waits_for_second
    from {{ source('ledger', 'alerts') }} as alerts
    left outer join {{ source('ledger', 'alerts') }} as originals
        on alerts.second_of = originals.case_id
    left outer join budget
        on
            alerts.alert_date >= budget.valid_from
            and alerts.alert_date < budget.valid_to
    where
        alerts.second_of is null
        or originals.lane = 'audit'
),

-- from its first finding on a purchase is decided by its findings alone, also one that is
-- inconclusive; what was decided before stays what was known
found as (
    select
        case_id,
        transaction_id,
        min(event_number) as first_event_number
    from {{ ref('case_events') }}
    where
        is_accepted
        and transaction_id is not null
    group by case_id, transaction_id
),

-- a decision on a case is one on each other transaction that was in it by then; what joined on the
-- day of the decision came with the night's run, after it
reviewed as (
    select
        case_members.transaction_id,
        case_events.occurred_at as decided_at,
        case_events.occurred_at as available_at,
        case_events.event = 'recovery_ordered' as misuse,
        case when case_events.event = 'cleared' then case_events.reason else case_events.event end
            as outcome,
        'review' as origin,
        case_events.case_id,
        reviews.lane,
        case_events.load_id,
        case_events.load_line
    from {{ ref('case_events') }} as case_events
    inner join reviews on case_events.case_id = reviews.case_id
    inner join {{ source('ledger', 'case_members') }} as case_members
        on
            reviews.member_case_id = case_members.case_id
            and (
                reviews.opened_on >= case_members.joined_on
                or case_events.occurred_at >= case_members.joined_on + 1
                or case_events.transaction_id = case_members.transaction_id
            )
    left outer join found
        on
            case_events.case_id = found.case_id
            and case_members.transaction_id = found.transaction_id
            and case_events.event_number > found.first_event_number
    where
        case_events.is_accepted
        and case_events.event in ('cleared', 'recovery_ordered')
        and not (reviews.waits_for_second and case_events.event = 'recovery_ordered')
        and case_members.transaction_id is not null
        and (
            case_events.transaction_id = case_members.transaction_id
            or (case_events.transaction_id is null and found.transaction_id is null)
        )
),

-- the same decision may land twice, or corrected: what landed last holds
decisions as (
    select
        *,
        row_number() over (
            partition by transaction_id, decided_at, available_at, origin
            order by load_id desc, load_line desc
        ) as recency
    from (
        select * from landed
        union all
        select * from reviewed
    ) as landed_and_reviewed
    where {{ in_changed_days('available_at') }}
),

-- issued once; a claim and its purchase share one
probabilities as (
    select
        transaction_id,
        max_by(review_probability, issue_id) as review_probability
    from {{ source('ledger', 'scores') }}
    where transaction_id in (select transaction_id from reviewed)
    group by transaction_id
),

final as (
    select
        decisions.transaction_id,
        decisions.available_at::date as decided_on,
        decisions.decided_at,
        decisions.available_at,
        decisions.misuse,
        decisions.outcome,
        decisions.origin,
        decisions.case_id,
        -- only the audit draws by chance; a purchase that came to a case for any other reason (its
        -- claim, a rule about its person) was certain to, whatever its chance in the draw had been
        case
            when decisions.lane = 'audit' then probabilities.review_probability
            when decisions.origin = 'review' then 1
        end::double as review_probability
    from decisions
    left outer join probabilities on decisions.transaction_id = probabilities.transaction_id
    where decisions.recency = 1
    order by decisions.available_at, decisions.transaction_id
)

select * from final
