-- An alert says why: a rule it hit or a feature that moved the models; a random audit says that it
-- is one. A row returned is an alert that a reviewer could not explain to the cardholder.
select alerts.alert_id
from {{ ref('alerts') }} as alerts
left outer join {{ ref('alert_reasons') }} as reasons
    on
        alerts.subject_type = reasons.subject_type
        and alerts.subject_id = reasons.subject_id
where
    alerts.lane <> 'audit'
    and reasons.code is null
