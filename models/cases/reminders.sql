{{ config(contract={'enforced': true}, access='public') }}
-- Grain: one row per case whose reminder is due on the last day that was built, or was before.
with

final as (
    select
        cases.case_id,
        cases.lane,
        cases.state,
        cases.state_since,
        cases.reviewer_id,
        cases.employee_id,
        cases.department_id,
        cases.remind_on,
        cases.due_on,
        cases.is_overdue
    from {{ ref('cases') }} as cases
    inner join {{ ref('build_window') }} as build_window
        on cases.remind_on <= build_window.built_until
)

select * from final
order by due_on, case_id
