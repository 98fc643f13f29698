-- Grain: one row per rule and month: was the rule evaluated at all?
with

coverage as (
    select * from {{ ref('rule_coverage') }}
),

final as (
    select
        rule_id,
        date_trunc('month', covered_on)::date as covered_month,
        sum(subject_count)::bigint as subject_count,
        sum(evaluated_count)::bigint as evaluated_count,
        sum(evaluated_count) / nullif(sum(subject_count), 0) as evaluated_share,
        max_by(absent, covered_on) filter (where evaluated_count = 0) as absent,
        case
            when sum(evaluated_count) = 0 then 'not evaluated'
            when sum(evaluated_count) < sum(subject_count) then 'partly evaluated'
            else 'evaluated'
        end as status
    from coverage
    group by rule_id, date_trunc('month', covered_on)::date
)

select * from final
