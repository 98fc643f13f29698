-- Grain: one row per review day and currency.
select
    issue_id,
    review_date,
    currency,
    unreviewed_purchases,
    unreviewed_amount,
    expected_misuse,
    silenced_purchases,
    cases_below,
    subjects_below,
    expected_misuse_below,
    best_value_below
from {{ source('ledger', 'below_the_line') }}
