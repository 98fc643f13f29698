{{ config(materialized='table') }}
-- Grain: one row per transaction and day on which a decision on it became available: what was known
-- from the next day on. The latest decision holds; of two of one moment the innocent one holds, and
-- a review before the labels feed. What is known now is the row with is_latest; what was known on a
-- morning is the row with known_from <= morning < known_until.
with

ordered as (
    select
        *,
        row_number() over (
            partition by transaction_id
            order by decided_at asc, available_at asc, misuse desc, origin asc
        ) as place
    from {{ ref('label_decisions') }}
),

by_day as (
    select
        transaction_id,
        decided_on,
        max(place) as place,
        max_by(misuse, place) as misuse,
        max_by(origin, place) as origin,
        bool_or(origin = 'review') as is_reviewed,
        max(review_probability) as review_probability
    from ordered
    group by transaction_id, decided_on
),

final as (
    select
        transaction_id,
        decided_on + 1 as known_from,
        coalesce(lead(decided_on) over by_then + 1, date '9999-12-31') as known_until,
        lead(decided_on) over by_then is null as is_latest,
        max_by(misuse, place) over by_then as misuse,
        max_by(origin, place) over by_then as origin,
        bool_or(is_reviewed) over by_then as is_reviewed,
        max(review_probability) over by_then as review_probability
    from by_day
    window by_then as (partition by transaction_id order by decided_on)
)

select * from final
