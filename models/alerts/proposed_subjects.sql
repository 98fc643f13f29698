-- Grain: one row per subject of a proposed alert, in whatever lane.
with

final as (
    select
        subject_type,
        subject_id,
        transaction_id
    from {{ ref('alert_queue') }}
    where is_alert
    union all
    select
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id
    from {{ ref('review_probabilities') }}
    where is_audit_draw
    union
    select
        subject_type,
        subject_id,
        transaction_id
    from {{ ref('audit_confirmations') }}
)

select * from final
