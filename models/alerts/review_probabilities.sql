-- Grain: one row per purchase that this run settles: the probability that somebody looks at it.
-- What is in a case is sure to be looked at, and so is a mandatory hit that waits. Of the rest of
-- the day the audit draws a few: with a floor that is equal for all and the remainder in proportion
-- to the risk, each with a known probability. The draw is systematic along an order by a hash of a
-- secret: it takes exactly as many as there are seats.
with

purchases as (
    select
        candidates.transaction_id,
        candidates.queued_on,
        candidates.risk,
        candidates.silence_id,
        queue.case_id,
        coalesce(queue.lane, case when candidates.is_mandatory then 'mandatory' end) as lane
    from {{ ref('alert_candidates') }} as candidates
    left outer join {{ ref('alert_queue') }} as queue
        on
            candidates.subject_type = queue.subject_type
            and candidates.subject_id = queue.subject_id
    where
        candidates.subject_type = 'transaction'
        and not candidates.is_scored_before
        and candidates.queued_on <= (select built_until from {{ ref('build_window') }})
        -- refunds and declined purchases have no score
        and candidates.transaction_id in (select risk.transaction_id from {{ ref('risk') }} as risk)
),

left_over as (
    select
        purchases.transaction_id,
        purchases.queued_on,
        md5(run_state.audit_seed || purchases.transaction_id) as place,
        {{ hash_fraction("concat_ws('|', run_state.audit_seed, purchases.queued_on)") }} as start,
        seats.audit_seats,
        -- the floor alone where the day carries no risk at all
        coalesce(
            seats.audit_uniform_share / count(*) over of_day
            + (1 - seats.audit_uniform_share) * purchases.risk
            / nullif(sum(purchases.risk) over of_day, 0),
            1.0 / count(*) over of_day
        ) as share
    from purchases
    cross join {{ source('raw', 'run_state') }} as run_state
    inner join {{ ref('review_seats') }} as seats on purchases.queued_on = seats.review_date
    where purchases.lane is null
    window of_day as (partition by purchases.queued_on)
),

probable as (
    select
        *,
        least(audit_seats * share, 1.0) as probability
    from left_over
),

summed as (
    select
        *,
        start + sum(probability) over (
            partition by queued_on order by place, transaction_id
            rows between unbounded preceding and current row
        ) as reached
    from probable
),

passed as (
    select
        *,
        floor(reached) > floor(reached - probability) as is_passed
    from summed
),

-- rounding must not take a seat more than there are
drawn as (
    select
        *,
        is_passed
        and sum(is_passed::integer) over (
            partition by queued_on order by place, transaction_id
            rows between unbounded preceding and current row
        ) <= audit_seats as is_audit_draw
    from passed
),

final as (
    select
        purchases.transaction_id,
        purchases.queued_on,
        -- what the audit draws is a case of its own
        case
            when drawn.is_audit_draw then md5('audit|' || purchases.transaction_id)
            else purchases.case_id
        end as case_id,
        purchases.lane,
        purchases.silence_id,
        coalesce(drawn.is_audit_draw, false) as is_audit_draw,
        case when purchases.lane is null then drawn.probability else 1.0 end::double
            as review_probability
    from purchases
    left outer join drawn on purchases.transaction_id = drawn.transaction_id
)

select * from final
