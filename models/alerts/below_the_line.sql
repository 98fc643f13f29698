-- Grain: one row per review day and currency: what nobody will look at except by the audit's draw,
-- and the misuse that is expected in it. The case just below the line says what one more seat
-- would have brought.
with

passed_over as (
    select
        review_date,
        currency,
        count(distinct case_id) as cases_below,
        count(*) as subjects_below,
        sum(risk * amount) as expected_misuse_below,
        max(case_expected_value) as best_value_below
    from {{ ref('alert_queue') }}
    where lane is null
    group by review_date, currency
),

unreviewed as (
    select
        probabilities.queued_on as review_date,
        candidates.currency,
        count(*) as unreviewed_purchases,
        sum(candidates.amount) as unreviewed_amount,
        sum(candidates.risk * candidates.amount) as expected_misuse,
        count(candidates.silence_id) as silenced_purchases
    from {{ ref('review_probabilities') }} as probabilities
    inner join {{ ref('alert_candidates') }} as candidates
        on
            candidates.subject_type = 'transaction'
            and probabilities.transaction_id = candidates.subject_id
    where probabilities.lane is null
    group by probabilities.queued_on, candidates.currency
),

final as (
    select
        coalesce(unreviewed.review_date, passed_over.review_date) as review_date,
        coalesce(unreviewed.currency, passed_over.currency) as currency,
        coalesce(unreviewed.unreviewed_purchases, 0) as unreviewed_purchases,
        coalesce(unreviewed.unreviewed_amount, 0)::decimal(18, 4) as unreviewed_amount,
        coalesce(unreviewed.expected_misuse, 0) as expected_misuse,
        coalesce(unreviewed.silenced_purchases, 0) as silenced_purchases,
        coalesce(passed_over.cases_below, 0) as cases_below,
        coalesce(passed_over.subjects_below, 0) as subjects_below,
        coalesce(passed_over.expected_misuse_below, 0) as expected_misuse_below,
        passed_over.best_value_below
    from unreviewed
    full outer join passed_over
        on
            unreviewed.review_date = passed_over.review_date
            and unreviewed.currency = passed_over.currency
)

select * from final
