-- Grain: one row per landed version of a claim.
with

landed as (
    select * from {{ source('company', 'expense_claims') }}
),

final as (
    select
        _key as claim_id,
        employee_id,
        submitted_at,
        currency,
        amount,
        transaction_id,
        account_code,
        purpose,
        attendees,
        receipt_no,
        approver_id,
        approved_at,
        payment,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
