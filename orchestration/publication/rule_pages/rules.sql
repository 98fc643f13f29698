-- Grain: one row per rule, in the order of their identifiers: all that its page shows.
with

thresholds as (
    select
        rule_id,
        list(row_of order by parameter) as threshold_rows
    from seeds.rule_thresholds as row_of
    group by rule_id
),

exceptions as (
    select
        rule_id,
        list(row_of order by expires_on desc) as exceptions
    from marts.rule_exceptions as row_of
    group by rule_id
),

-- the last months with hits of any rule; two years of bars is as wide as a page is
months as (
    select unnest(range(
        greatest(
            date_trunc('month', min(occurred_at)),
            date_trunc('month', max(occurred_at)) - interval 23 month
        ),
        date_trunc('month', max(occurred_at)) + interval 1 day,
        interval 1 month
    ))::date as month
    from marts.rule_hits
),

hits_by_month as (
    select
        rule_id,
        date_trunc('month', occurred_at)::date as month,
        -- a later version may have hit the same again
        count(distinct subject_id) as hits
    from marts.rule_hits
    group by all
),

bars as (
    select
        catalog.rule_id,
        list({'month': months.month, 'hits': coalesce(hits_by_month.hits, 0)} order by months.month)
            as months,
        max(coalesce(hits_by_month.hits, 0)) as most
    from marts.rule_catalog as catalog
    cross join months
    left join hits_by_month
        on catalog.rule_id = hits_by_month.rule_id and months.month = hits_by_month.month
    group by catalog.rule_id
),

decided as (
    select transaction_id, misuse from labels.latest_decisions where is_latest
),

counts as (
    select
        hits.rule_id,
        count(distinct hits.subject_id) as hits,
        count(distinct hits.subject_id) filter (where decided.misuse is not null) as reviewed,
        count(distinct hits.subject_id) filter (where decided.misuse) as misuse
    from marts.rule_hits as hits
    left join decided using (transaction_id)
    group by hits.rule_id
),

examples as (
    select
        reasons.code as rule_id,
        max_by(reasons.text_en, alerts.alert_date) as example_en,
        max_by(reasons.text_ko, alerts.alert_date) as example_ko
    from marts.alert_reasons as reasons
    inner join marts.alerts as alerts using (alert_id)
    where reasons.kind = 'rule'
    group by reasons.code
)

select
    catalog.*,
    coalesce(thresholds.threshold_rows, []) as threshold_rows,
    coalesce(exceptions.exceptions, []) as exceptions,
    coalesce(bars.months, []) as months,
    coalesce(bars.most, 0) as most,
    coalesce(counts.hits, 0) as hits,
    coalesce(counts.reviewed, 0) as reviewed,
    coalesce(counts.misuse, 0) as misuse,
    examples.example_en,
    examples.example_ko,
    detection
from marts.rule_catalog as catalog
left join marts.rule_detection as detection using (rule_id)
left join thresholds using (rule_id)
left join exceptions using (rule_id)
left join bars using (rule_id)
left join counts using (rule_id)
left join examples using (rule_id)
order by catalog.rule_id
