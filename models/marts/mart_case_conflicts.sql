-- Grain: one row per case, person, reason and the loads between which it is known.
select
    case_id,
    person_id,
    because,
    holds_from,
    known_from_load_id,
    known_until_load_id
from {{ ref('case_conflicts') }}
