{{ config(contract={'enforced': true}, access='public') }}
-- Grain: one row per landed review event that changed nothing: where it stands and why.
with

rejected as (
    select * from {{ ref('case_events') }}
    where not is_accepted
),

final as (
    select
        rejected.event_id,
        rejected.case_id,
        rejected.event,
        rejected.occurred_at,
        rejected.actor_id,
        rejected.reason,
        rejected.note,
        rejected.amount,
        rejected.transaction_id,
        rejected.rejected_because,
        load_manifest.source,
        load_manifest.file,
        rejected.load_line as line,
        load_manifest.loaded_at,
        rejected.load_id
    from rejected
    left outer join {{ source('raw', 'load_manifest') }} as load_manifest
        on rejected.load_id = load_manifest.load_id
)

select * from final
order by load_id, line
