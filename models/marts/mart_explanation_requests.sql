-- Grain: one row per open case and person.
select
    case_id,
    employee_id,
    answer_by,
    subject_en,
    subject_ko,
    body_en,
    body_ko
from {{ ref('explanation_requests') }}
