-- Grain: one row per month of purchases that Cardwatch has settled: how far their risk lay from the
-- share of misuse, as the mean distance over the bins of risk_calibration, each counting with its
-- purchases. Bins in which nothing was decided are not measured, and are left out of both sides.
with

measured as (
    select
        *,
        case when misuse_share is not null then purchase_count end as measured_count
    from {{ ref('risk_calibration') }}
),

final as (
    select
        month,
        sum(purchase_count)::bigint as purchase_count,
        sum(decided_count)::bigint as decided_count,
        (coalesce(sum(measured_count), 0) / sum(purchase_count))::double as measured_share,
        (sum(measured_count * mean_risk) / sum(measured_count))::double as mean_risk,
        (sum(measured_count * misuse_share) / sum(measured_count))::double as misuse_share,
        (sum(measured_count * abs(mean_risk - misuse_share)) / sum(measured_count))::double
            as calibration_error
    from measured
    group by month
)

select * from final
order by month
