-- Grain: one row per landed version of a claim.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__expense_claims') }}
),

final as (
    select
        claim_id::varchar as claim_id,
        employee_id::varchar as employee_id,
        submitted_at::timestamp as submitted_at,
        currency::varchar as currency,
        amount::decimal(18, 4) as amount,
        transaction_id::varchar as transaction_id,
        account_code::varchar as account_code,
        purpose::varchar as purpose,
        attendees::integer as attendees,
        receipt_no::varchar as receipt_no,
        approver_id::varchar as approver_id,
        approved_at::timestamp as approved_at,
        payment::varchar as payment,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
