-- Grain: one row per review event.
-- A new source is one more line here; columns that a source lacks become null.
with

sources as (
    select * from {{ ref('stg_company__review_events') }}
),

final as (
    select
        event_id::varchar as event_id,
        case_id::varchar as case_id,
        event::varchar as event,
        occurred_at::timestamp as occurred_at,
        actor_id::varchar as actor_id,
        reason::varchar as reason,
        note::varchar as note,
        amount::decimal(18, 4) as amount,
        transaction_id::varchar as transaction_id,
        load_id::bigint as load_id,
        load_line::bigint as load_line
    from sources
)

select * from final
