-- Any risk can be computed again from the published row and the coefficients of its version.
-- A row returned is a risk that an analyst could not explain, or whose version is not recorded.
with

rows_and_versions as (
    select
        risk.transaction_id,
        risk.risk,
        risk.rule_risk,
        risk.tree_probability,
        versions.* exclude (version),  -- noqa: RF02
        least(greatest(coalesce(risk.tree_probability, 0.5), 0.000001), 0.999999) as tree,
        least(
            greatest(coalesce(risk.anomaly_score, 0) - versions.anomaly_tail_from, 0)
            / (versions.anomaly_tail_full - versions.anomaly_tail_from),
            1
        ) as anomaly
    from {{ ref('risk') }} as risk
    left outer join {{ ref('risk_versions') }} as versions on risk.risk_version = versions.version
),

recomputed as (
    select
        transaction_id,
        risk,
        case method
            when 'stack'
                then
                    1 / (
                        1 + exp(
                            -intercept
                            + rule_coefficient * ln(1 - rule_risk)
                            - case
                                when tree_probability is null then no_tree_coefficient
                                else tree_coefficient * ln(tree / (1 - tree))
                            end
                            -- a version that does not know the part has judged nothing with it
                            - case when anomaly > 0 then anomaly_coefficient * anomaly else 0 end
                        )
                    )
            when 'noisy_or'
                then
                    1
                    - (1 - rule_coefficient * rule_risk)
                    * (1 - tree_coefficient * coalesce(tree_probability, 0))
                    * (1 - anomaly_coefficient * anomaly)
        end as recomputed
    from rows_and_versions
)

select *
from recomputed
where
    recomputed is null
    or abs(risk - recomputed) > 1e-12
