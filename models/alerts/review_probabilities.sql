-- Grain: one row per purchase that this run settles: the probability that somebody looks at it.
-- An alert and what is in its case is sure to be looked at, and so is a mandatory hit that waits.
-- Of the rest of the day a few are drawn at random for the audit, each with the same, known
-- probability: seats / purchases left. The draw orders them by a hash of a secret and the id.
with

purchases as (
    select
        candidates.transaction_id,
        candidates.queued_on,
        candidates.case_id,
        queue.lane
    from {{ ref('alert_candidates') }} as candidates
    left outer join {{ ref('alert_queue') }} as queue
        on
            candidates.subject_type = queue.subject_type
            and candidates.subject_id = queue.subject_id
    where
        candidates.subject_type = 'transaction'
        and not candidates.is_scored_before
        and candidates.queued_on <= (select built_until from {{ ref('int_build_window') }})
),

left_over as (
    select
        purchases.transaction_id,
        purchases.queued_on,
        row_number() over (
            partition by purchases.queued_on
            order by md5(run_state.audit_seed || purchases.transaction_id)
        ) as place,
        count(*) over (partition by purchases.queued_on) as left_count
    from purchases
    cross join {{ source('raw', 'run_state') }} as run_state
    where purchases.lane is null
),

drawn as (
    select
        left_over.transaction_id,
        left_over.place <= review_seats.audit_seats as is_audit_draw,
        least(review_seats.audit_seats / left_over.left_count, 1.0) as probability
    from left_over
    inner join {{ ref('review_seats') }} as review_seats
        on left_over.queued_on = review_seats.review_date
),

final as (
    select
        purchases.transaction_id,
        purchases.queued_on,
        purchases.case_id,
        purchases.lane,
        coalesce(drawn.is_audit_draw, false) as is_audit_draw,
        case when purchases.lane is null then drawn.probability else 1.0 end::double
            as review_probability
    from purchases
    left outer join drawn on purchases.transaction_id = drawn.transaction_id
)

select * from final
