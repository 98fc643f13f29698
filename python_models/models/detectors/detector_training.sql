-- Grain: one row per fitting day and purchase that a detector may learn from on that day, with the
-- outcome as it was known on that morning. Every confirmed misuse is kept; of the rest a sample,
-- drawn by a hash of the identifier and weighted back. A purchase nobody has looked at is not
-- innocent: it counts as such only in part, and only when there was time to look at it (weight 0
-- before; detectors that learn without labels do not read the weight).
with

schedule as (
    select trained_until from {{ ref('detector_schedule') }}
),

purchases as (
    select
        schedule.trained_until,
        detector_inputs.*
    from schedule
    inner join {{ ref('detector_inputs') }} as detector_inputs
        on
            detector_inputs.transaction_date < schedule.trained_until
            and detector_inputs.transaction_date
            >= schedule.trained_until - {{ var('detector_training_days') }}
),

known as (
    select
        schedule.trained_until,
        decisions.transaction_id,
        max_by(decisions.misuse, decisions.decided_at) as misuse
    from schedule
    inner join {{ ref('label_decisions') }} as decisions
        on decisions.decided_on < schedule.trained_until
    group by schedule.trained_until, decisions.transaction_id
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
        purchases.*,
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
