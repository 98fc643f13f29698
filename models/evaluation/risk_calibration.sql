{%- set edges = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1] %}
-- Grain: one row per month and bin of risk: of the purchases that Cardwatch has settled in that
-- month and the ones before it (calibration_months in all; the audit of one month is too small to
-- say much), what the risk promised and what came out since. Only what Cardwatch chose to have
-- looked at is counted, by 1 / (the probability of that), so that the decided purchases speak for
-- all of the bin; a decision from elsewhere was taken on a choice that nobody knows. Where nothing
-- was decided the share is not known, which is not 0.
with

bins as (
    {%- for edge in edges[:-1] %}
        select
            {{ edge }}::double as risk_from,
            {{ edges[loop.index] }}::double as risk_until
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

decisions as (
    select
        transaction_id,
        misuse,
        1 / review_probability as weight
    from {{ ref('latest_decisions') }}
    where
        is_latest
        and is_reviewed
),

months as (
    select
        month,
        row_number() over (order by month) as number
    from (
        select distinct date_trunc('month', transaction_date)::date as month
        from {{ source('ledger', 'scores') }}
    ) as distinct_months
),

spans as (
    select
        months.month,
        covered.month as covered_month
    from months
    inner join months as covered
        on
            months.number - {{ var('calibration_months') }} < covered.number
            and months.number >= covered.number
),

purchases as (
    select
        spans.month,
        bins.risk_from,
        bins.risk_until,
        scores.risk,
        decisions.misuse,
        decisions.weight
    from {{ source('ledger', 'scores') }} as scores
    inner join spans
        on date_trunc('month', scores.transaction_date)::date = spans.covered_month
    inner join bins
        on
            scores.risk >= bins.risk_from
            -- the last bin holds its upper end
            and (scores.risk < bins.risk_until or bins.risk_until = 1)
    left outer join decisions on scores.transaction_id = decisions.transaction_id
),

counted as (
    select
        month,
        risk_from,
        risk_until,
        count(*) as purchase_count,
        avg(risk) as mean_risk,
        count(misuse) as decided_count,
        count(*) filter (where misuse) as misuse_count,
        sum(case when misuse then weight when not misuse then 0 end) / sum(weight) as misuse_share,
        power(sum(weight), 2) / sum(weight * weight) as effective_decisions
    from purchases
    group by month, risk_from, risk_until
),

final as (
    select
        month,
        risk_from,
        risk_until,
        purchase_count::bigint as purchase_count,
        round(mean_risk, 9)::double as mean_risk,
        decided_count::bigint as decided_count,
        misuse_count::bigint as misuse_count,
        round(misuse_share, 9)::double as misuse_share,
        round(effective_decisions, 9)::double as effective_decisions,
        round({{ wilson('misuse_share', 'effective_decisions', -1) }}, 9)::double
            as misuse_share_from,
        round({{ wilson('misuse_share', 'effective_decisions', 1) }}, 9)::double
            as misuse_share_to
    from counted
)

select * from final
order by month, risk_from
