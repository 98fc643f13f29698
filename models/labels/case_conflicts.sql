{{ config(materialized='view') }}
-- Grain: one row per issued case, person who must not review it, why, and load from which that is
-- known: whoever's purchases or claims are in it, and whose manager's are. The manager is that of
-- the day on which the case was opened. Loads bound what is known, so that a register that lands
-- later does not undo what was accepted before. It is a view, so that it knows the cases that a run
-- issues after it has read the labels.
with

cases as (
    select
        case_id,
        -- a second review is one of the same purchases and claims
        coalesce(second_of, case_id) as member_case_id,
        alert_date as opened_on
    from {{ source('ledger', 'alerts') }}
),

members as (
    select
        case_id,
        employee_id,
        min(joined_on) as joined_on
    from {{ source('ledger', 'case_members') }}
    where employee_id is not null
    group by case_id, employee_id
),

involved as (
    select
        cases.case_id,
        cases.opened_on,
        members.employee_id,
        greatest(cases.opened_on, members.joined_on) as holds_from
    from cases
    inner join members on cases.member_case_id = members.case_id
),

-- the register may be sent whole every day: what says nothing new is left out
reported as (
    select
        employee_id,
        manager_id,
        valid_from,
        load_id,
        lag(manager_id) over (
            partition by employee_id, valid_from order by load_id asc, load_line asc
        ) as manager_before
    from {{ ref('stg_employees') }}
    where manager_id is not null
),

managers as (
    select
        employee_id,
        manager_id,
        valid_from,
        load_id
    from reported
    where manager_before is distinct from manager_id
),

managed as (
    select
        involved.case_id,
        involved.opened_on,
        involved.holds_from,
        managers.employee_id as person_id,
        managers.valid_from,
        managers.load_id
    from involved
    inner join managers
        on
            involved.employee_id = managers.manager_id
            and involved.opened_on + 1 > managers.valid_from
),

-- until a row that holds in its place is known
superseded as (
    select
        managed.case_id,
        managed.person_id,
        managed.holds_from,
        managed.load_id as known_from_load_id,
        min(later.load_id) as known_until_load_id
    from managed
    left outer join managers as later
        on
            managed.person_id = later.employee_id
            and managed.opened_on + 1 > later.valid_from
            and (
                managed.valid_from < later.valid_from
                or (managed.valid_from = later.valid_from and managed.load_id < later.load_id)
            )
    group by
        managed.case_id,
        managed.person_id,
        managed.holds_from,
        managed.valid_from,
        managed.load_id
),

final as (
    select
        case_id,
        employee_id as person_id,
        'own' as because,
        holds_from,
        0::bigint as known_from_load_id,
        null::bigint as known_until_load_id
    from involved
    union all
    select
        case_id,
        person_id,
        'manager' as because,
        min(holds_from) as holds_from,
        known_from_load_id,
        max(known_until_load_id) as known_until_load_id
    from superseded
    where coalesce(known_until_load_id > known_from_load_id, true)
    group by case_id, person_id, known_from_load_id
)

select * from final
