-- Grain: one row per alert and reason.
select
    issue_id,
    alert_id,
    kind,
    place,
    code,
    version,
    observed_value,
    threshold_value,
    text_en,
    text_ko
from {{ source('ledger', 'alert_reasons') }}
