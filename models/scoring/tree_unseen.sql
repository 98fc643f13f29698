{{ config(materialized='view') }}
-- Grain: one row per fitting day of a stack that is due and purchase that it may learn from: what
-- the tree sees of it, dated with the fitting day, so that the champion of that day scores it.
with

final as (
    select tree_inputs.* replace (risk_due.fitted_on as transaction_date)
    from {{ ref('tree_inputs') }} as tree_inputs
    inner join {{ ref('risk_due') }} as risk_due
        on
            tree_inputs.transaction_date >= risk_due.learns_from
            and tree_inputs.transaction_date < risk_due.known_until
    where risk_due.tree_version is not null
)

select * from final  -- noqa: AM04
