{{ config(materialized='table') }}
-- Grain: one row per landed review event, numbered as they arrived within its case. What an event
-- does is told by the seed case_transitions; one that cannot be is kept with the reason and changes
-- nothing. A decision on one purchase of a case, a finding, is legal where one on the case would be
-- and leaves the case as it is. Each is judged by what arrived before it, never by what arrives
-- later.
with recursive

cases as (
    select
        case_id,
        coalesce(second_of, case_id) as reviewed_case_id,
        alert_date as opened_on
    from {{ source('ledger', 'alerts') }}
),

-- a purchase may be in its case twice, as itself and as what a claim is about
members as (
    select
        case_id,
        transaction_id,
        min(joined_on) as joined_on
    from {{ source('ledger', 'case_members') }}
    where transaction_id is not null
    group by case_id, transaction_id
),

known_events as (
    select distinct event from {{ ref('case_transitions') }}
),

closed_states as (
    select state from {{ ref('case_transitions') }}
    where event = 'reopened'
),

arrived as (
    select
        *,
        row_number() over (
            order by load_id asc, occurred_at asc, load_line asc
        ) as arrival_number
    from {{ ref('stg_review_events') }}
),

conflicts as (
    select
        arrived.arrival_number,
        max(case_conflicts.because) as because
    from arrived
    inner join {{ ref('case_conflicts') }} as case_conflicts
        on
            arrived.case_id = case_conflicts.case_id
            and lower(trim(arrived.actor_id)) = lower(case_conflicts.person_id)
            and arrived.occurred_at >= case_conflicts.holds_from
            and arrived.load_id >= case_conflicts.known_from_load_id
            and coalesce(arrived.load_id < case_conflicts.known_until_load_id, true)
    group by arrived.arrival_number
),

numbered as (
    select
        arrived.*,
        cases.reviewed_case_id,
        cases.opened_on,
        members.joined_on,
        known_events.event is not null as is_known_event,
        conflicts.because as conflict,
        row_number() over (
            partition by arrived.event_id order by arrived.arrival_number
        ) as arrival_of_event,
        row_number() over (
            partition by arrived.case_id order by arrived.arrival_number
        ) as event_number
    from arrived
    left outer join cases on arrived.case_id = cases.case_id
    left outer join members
        on
            cases.reviewed_case_id = members.case_id
            and arrived.transaction_id = members.transaction_id
    left outer join known_events on arrived.event = known_events.event
    left outer join conflicts on arrived.arrival_number = conflicts.arrival_number
),

-- what is wrong with an event whatever state the case is in
checked as (
    select
        *,
        case
            when opened_on is null then 'there is no case ' || case_id
            when arrival_of_event > 1
                then 'event ' || event_id || ' arrived before; the first arrival counts'
            when coalesce(trim(actor_id), '') = '' then 'actor_id is missing'
            when not is_known_event
                then 'there is no event ' || coalesce(event, 'without a name')
            when occurred_at < opened_on
                then 'the case was opened only on ' || opened_on
            when
                transaction_id is not null
                and event not in ('cleared', 'inconclusive', 'recovery_ordered')
                then 'only a decision is about one purchase'
            when transaction_id is not null and joined_on is null
                then 'purchase ' || transaction_id || ' is not in the case'
            when occurred_at < joined_on
                then 'purchase ' || transaction_id || ' joined the case only on ' || joined_on
            when
                event = 'cleared'
                and coalesce(reason, '') not in ('false_alarm', 'policy_exception', 'explained')
                then
                    'a case is cleared as false_alarm, policy_exception or explained, and not '
                    || coalesce('as ' || reason, 'without a reason')
            when event in ('recovered_in_part', 'recovered') and amount is null
                then 'what was recovered needs an amount'
            when
                event in ('recovery_ordered', 'recovered_in_part', 'recovered')
                and amount <= 0
                then 'an amount to recover is above zero'
            when conflict is not null and event <> 'explanation_received'
                then
                    actor_id || ' must not review this case: it is about '
                    || case conflict when 'own' then '' else 'the manager of ' end || actor_id
        end as wrong
    from numbered
),

-- whoever worked on one of the two reviews of a case is bound to it, so that the other stays blind
bound as (
    select
        *,
        case
            when binds then first_value(case_id) over (
                partition by reviewed_case_id, lower(trim(actor_id)), binds
                order by arrival_number
            )
        end as bound_to_case_id
    from (
        select
            *,
            wrong is null and event not in ('opened', 'explanation_received') as binds
        from checked
    ) as binding
),

judged as (
    select
        *,
        case
            when wrong is not null then wrong
            when bound_to_case_id <> case_id
                then actor_id || ' works on the other review of this case, and two people do them'
        end as refused
    from bound
),

folded as (
    select
        case_id,
        0::bigint as event_number,
        0::bigint as arrival_number,
        null::varchar as state_before,
        'new' as state_after,
        opened_on::timestamp as last_accepted_at,
        null::varchar as rejected_because
    from cases
    union all
    select
        step.case_id,
        step.event_number,
        step.arrival_number,
        step.state_before,
        case
            when step.rejected_because is null and step.transaction_id is null then step.next_state
            else step.state_before
        end as state_after,
        case
            when step.rejected_because is null then step.occurred_at
            else step.last_accepted_at
        end as last_accepted_at,
        step.rejected_because
    from (
        select
            judged.case_id,
            judged.event_number,
            judged.arrival_number,
            judged.occurred_at,
            judged.transaction_id,
            folded.state_after as state_before,
            folded.last_accepted_at,
            case_transitions.next_state,
            case
                when judged.refused is not null then judged.refused
                when judged.occurred_at < folded.last_accepted_at
                    then
                        'something later was accepted before, of '
                        || strftime(folded.last_accepted_at, '%Y-%m-%d %H:%M:%S')
                when case_transitions.next_state is not null then null
                when folded.state_after in (select state from closed_states)
                    then 'the case is already closed (' || folded.state_after || ')'
                else
                    'a case that is ' || folded.state_after || ' cannot become ' || judged.event
            end as rejected_because
        from folded
        inner join judged
            on
                folded.case_id = judged.case_id
                and folded.event_number + 1 = judged.event_number
        left outer join {{ ref('case_transitions') }} as case_transitions
            on
                folded.state_after = case_transitions.state
                and judged.event = case_transitions.event
    ) as step
),

final as (
    select
        judged.event_id,
        judged.case_id,
        judged.event_number,
        judged.event,
        judged.occurred_at,
        judged.actor_id,
        judged.reason,
        judged.note,
        judged.amount,
        judged.transaction_id,
        folded.state_before,
        folded.state_after,
        coalesce(folded.rejected_because, judged.refused) is null as is_accepted,
        -- without a case there is nothing to fold
        coalesce(folded.rejected_because, judged.refused) as rejected_because,
        judged.bound_to_case_id,
        judged.load_id,
        judged.load_line
    from judged
    left outer join folded on judged.arrival_number = folded.arrival_number
)

select * from final
order by load_id, occurred_at, load_line
