-- What is in the ledger stays as it is, so nothing proposed may carry the identifier of an alert or
-- a case of before, nor may anything be twice in a case. A row returned would be there twice.
select
    alert_id as identifier,
    'alert' as of_what
from {{ ref('proposed_alerts') }}
where
    alert_id in (select alert_id from {{ source('ledger', 'alerts') }})
    or case_id in (select case_id from {{ source('ledger', 'alerts') }})
union all
select
    subject_id as identifier,
    subject_type as of_what
from {{ ref('alert_queue') }}
where
    lane is not null
    and (case_id, subject_type, subject_id) in (
        select (case_id, subject_type, subject_id)
        from {{ source('ledger', 'case_members') }}
    )
