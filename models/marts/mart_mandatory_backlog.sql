-- Grain: one row per subject.
select
    subject_type,
    subject_id,
    transaction_id,
    employee_id,
    leading_rule,
    waiting_since,
    amount,
    currency,
    risk
from {{ ref('mandatory_backlog') }}
