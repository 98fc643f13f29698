-- Grain: one row per fitting day that is due and purchase that a detector may learn from that day,
-- with the outcome as it was known on that morning. Every confirmed misuse is kept; of the rest a
-- sample, drawn by a hash of the identifier and weighted back. A purchase nobody has looked at is
-- not innocent: it counts as such only in part, and only when there was time to look at it (weight
-- 0 before; detectors that learn without labels do not read the weight).
with

due as (
    select detector_schedule.trained_until
    from {{ ref('detector_schedule') }} as detector_schedule
    where
        detector_schedule.trained_until not in (
            select issued.trained_until from {{ source('ledger', 'detector_versions') }} as issued
        )
),

purchases as (
    select
        due.trained_until,
        transactions.transaction_id,
        transactions.transaction_date
    from due
    inner join {{ ref('int_transactions') }} as transactions
        on
            due.trained_until > transactions.transaction_date
            and due.trained_until - {{ var('detector_training_days') }}
            <= transactions.transaction_date
    where transactions.is_purchase
),

known as (
    select
        due.trained_until,
        decisions.transaction_id,
        max_by(decisions.misuse, decisions.decided_at) as misuse
    from due
    inner join {{ ref('label_decisions') }} as decisions
        on due.trained_until > decisions.decided_on
    group by due.trained_until, decisions.transaction_id
),

sizes as (
    select
        trained_until,
        least(1.0, {{ var('detector_training_rows') }} / count(*)) as sampled_share
    from purchases
    group by trained_until
),

final as (
    select
        purchases.trained_until,
        purchases.transaction_id,
        purchases.transaction_date,
        known.misuse,
        case
            when known.misuse then 1.0
            when known.misuse is not null then 1.0 / sizes.sampled_share
            when
                purchases.transaction_date
                >= purchases.trained_until - {{ var('undecided_minimum_age_days') }}
                then 0.0
            else {{ var('undecided_weight') }} / sizes.sampled_share
        end::double as weight
    from purchases
    inner join sizes on purchases.trained_until = sizes.trained_until
    left outer join known
        on
            purchases.trained_until = known.trained_until
            and purchases.transaction_id = known.transaction_id
    where
        coalesce(known.misuse, false)
        or {{ hash_fraction('purchases.transaction_id') }} < sizes.sampled_share
)

select * from final
