-- Grain: one row.
select
    pair_count,
    agreed_count,
    both_misuse_count,
    both_innocent_count,
    first_misuse_count,
    second_misuse_count,
    first_innocent_count,
    second_innocent_count,
    first_inconclusive_count,
    second_inconclusive_count,
    observed_agreement,
    expected_agreement,
    kappa
from {{ ref('review_agreement') }}
