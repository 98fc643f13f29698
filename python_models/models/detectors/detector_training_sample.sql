-- Grain: one row per fitting day that is due and purchase that a detector may learn from or be
-- judged on that day, with the outcome as it was known on that morning. Every confirmed misuse is
-- kept; of the rest a sample, drawn by a hash of the identifier and weighted back. A decision
-- counts for those like it that nobody looked at: 1 / (probability that it was reviewed), up to a
-- limit so that no single audit decides a fit. A purchase nobody has looked at is not innocent: it
-- counts as such only in part, and only when there was time to look at it (weight 0 before;
-- detectors that learn without labels do not read the weight).
with

due as (
    select distinct detector_schedule.fitted_on
    from {{ ref('detector_schedule') }} as detector_schedule
    left outer join {{ source('ledger', 'detector_versions') }} as issued
        on
            detector_schedule.detector = issued.detector
            and detector_schedule.fitted_on = issued.fitted_on
    where issued.version is null
),

purchases as (
    select
        due.fitted_on,
        transactions.transaction_id,
        transactions.transaction_date,
        transactions.card_id
    from due
    inner join {{ ref('int_transactions') }} as transactions
        on
            due.fitted_on > transactions.transaction_date
            and due.fitted_on - {{ var('detector_training_days') }}
            <= transactions.transaction_date
    where transactions.is_purchase
),

known as (
    select
        due.fitted_on,
        decisions.transaction_id,
        decisions.misuse,
        decisions.origin,
        decisions.review_probability
    from due
    inner join {{ ref('latest_decisions') }} as decisions
        on
            due.fitted_on >= decisions.known_from
            and due.fitted_on < decisions.known_until
),

sizes as (
    select
        fitted_on,
        least(1.0, {{ var('detector_training_rows') }} / count(*)) as sampled_share
    from purchases
    group by fitted_on
),

final as (
    select
        purchases.fitted_on,
        purchases.transaction_id,
        purchases.transaction_date,
        purchases.card_id,
        known.misuse,
        (
            case
                when known.origin = 'review'
                    then
                        least(
                            1.0 / known.review_probability,
                            {{ var('largest_decision_weight') }}
                        )
                when known.origin is not null then 1.0
                when
                    purchases.transaction_date
                    >= purchases.fitted_on - {{ var('undecided_minimum_age_days') }}
                    then 0.0
                else {{ var('undecided_weight') }}
            end
            / case when known.misuse then 1.0 else sizes.sampled_share end
        )::double as weight
    from purchases
    inner join sizes on purchases.fitted_on = sizes.fitted_on
    left outer join known
        on
            purchases.fitted_on = known.fitted_on
            and purchases.transaction_id = known.transaction_id
    where
        coalesce(known.misuse, false)
        or {{ hash_fraction('purchases.transaction_id') }} < sizes.sampled_share
)

select * from final
