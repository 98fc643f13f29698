-- Unreviewed is not innocent: whatever a run settles has a positive probability of being looked at.
-- A row returned is a purchase that no estimate could ever account for.
select transaction_id
from {{ ref('review_probabilities') }}
where
    review_probability is null
    or review_probability <= 0
    or review_probability > 1
