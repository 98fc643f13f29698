-- Grain: one row per landed review event.
with

landed as (
    select * from {{ source('company', 'review_events') }}
),

final as (
    select
        _key as event_id,
        case_id,
        event,
        occurred_at,
        actor_id,
        reason,
        note,
        amount,
        transaction_id,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
