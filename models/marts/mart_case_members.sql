-- Grain: one row per case and purchase or claim; a second review has the members of the case
-- that it reviews again.
select
    case_id,
    subject_type,
    subject_id,
    transaction_id,
    is_alert,
    joined_on,
    occurred_at,
    has_time,
    employee_id,
    merchant_id,
    merchant_name,
    amount,
    currency,
    common_cause,
    is_counted
from {{ ref('case_members') }}
