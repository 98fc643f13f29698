-- An alert says why: a rule it hit or a feature that moved the models; a random audit says that it
-- is one, and so does a second look at what it found. A row returned is an alert that a reviewer
-- could not explain to the cardholder.
select alerts.alert_id
from {{ ref('proposed_alerts') }} as alerts
left outer join {{ ref('proposed_alert_reasons') }} as reasons
    on
        alerts.subject_type = reasons.subject_type
        and alerts.subject_id = reasons.subject_id
left outer join {{ ref('audit_confirmations') }} as confirmations
    on alerts.second_of = confirmations.case_id
where
    alerts.lane <> 'audit'
    and confirmations.case_id is null
    and reasons.code is null
