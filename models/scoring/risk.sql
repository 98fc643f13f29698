{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase: its risk, the probability of misuse that rules, tree and
-- unsupervised detectors give together. The version in use on the day of the purchase is a stack,
--     log-odds = intercept + rule_coefficient * -ln(1 - rule_risk)
--                + tree_coefficient * log-odds of the tree, or no_tree_coefficient without a tree
--                + anomaly_coefficient * share of the way from anomaly_tail_from to _full
-- or, while none is in use and for purchases with a part that it has not learned about (another
-- tree, or null in its coefficients), the noisy-or of risk_parts. Everything in it is published, so
-- that any risk can be computed again by hand.
with

parts as (
    select * from {{ ref('risk_parts') }}
    where {{ in_build_window('transaction_date') }}
),

stacks as (
    select
        *,
        coalesce(lead(fitted_on) over (order by fitted_on), date '9999-12-31') as used_until
    from {{ ref('risk_versions') }}
    where
        method = 'stack'
        and is_in_use
),

terms as (
    select
        parts.*,
        stacks.version as stack_version,
        stacks.intercept,
        stacks.no_tree_coefficient,
        stacks.rule_coefficient * ln(1 / (1 - parts.rule_risk)) as rule_term,
        case
            when parts.tree_probability is null then stacks.no_tree_coefficient
            when parts.tree_version = stacks.tree_version
                then stacks.tree_coefficient * {{ log_odds('parts.tree_probability') }}
        end as tree_term,
        case
            when parts.anomaly_score is null then 0
            else
                stacks.anomaly_coefficient
                * {{ anomaly_share(
                    'parts.anomaly_score', 'stacks.anomaly_tail_from', 'stacks.anomaly_tail_full'
                ) }}
        end as anomaly_term
    from parts
    left outer join stacks
        on
            parts.transaction_date >= stacks.fitted_on
            and parts.transaction_date < stacks.used_until
),

stacked as (
    select
        *,
        1 / (1 + exp(-(intercept + rule_term + tree_term + anomaly_term))) as stack_risk,
        -- what the tree adds to what it says of an average purchase
        greatest(tree_term - no_tree_coefficient, 0) as tree_push,
        rule_term + greatest(tree_term - no_tree_coefficient, 0) + anomaly_term as push
    from terms
),

combined as (
    select
        *,
        coalesce(stack_risk, noisy_or_risk) as risk,
        case when stack_risk is null then noisy_or_version else stack_version end as risk_version,
        -- the parts of a stack's risk are as large as what pushes its log-odds up
        case
            when stack_risk is null or tree_probability is null then noisy_or_tree_risk
            else coalesce(stack_risk * tree_push / nullif(push, 0), 0)
        end as tree_risk,
        case
            when stack_risk is null or anomaly_score is null then noisy_or_anomaly_risk
            else coalesce(stack_risk * anomaly_term / nullif(push, 0), 0)
        end as anomaly_risk
    from stacked
),

final as (
    select
        combined.transaction_id,
        combined.transaction_date,
        combined.authorized_at,
        combined.card_id,
        combined.merchant_id,
        combined.amount,
        combined.currency,
        combined.rule_hit_count,
        combined.is_mandatory,
        combined.rule_risk,
        combined.tree_probability,
        combined.tree_risk,
        {%- for detector in var('anomaly_detectors') %}
            combined.{{ detector }}_tail,
        {%- endfor %}
        combined.anomaly_score,
        combined.anomaly_risk,
        combined.risk,
        combined.risk_version,
        combined.rule_hit_count > 0
        or (combined.is_tree_explained and coalesce(combined.tree_risk > 0, false))
        or (combined.is_anomaly_explained and coalesce(combined.anomaly_risk > 0, false))
            as is_explained,
        combined.is_anomaly_explained,
        -- what a review is worth: recovered money and the repetition that it ends, less the
        -- reviewer's and the cardholder's time
        combined.risk
        * (currencies.recovery_rate * coalesce(combined.amount, 0) + currencies.deterrence_value)
        - currencies.review_cost
        - (1 - combined.risk) * currencies.annoyance_cost as expected_value,
        combined.tree_version,
        combined.anomaly_versions
    from combined
    inner join {{ ref('currencies') }} as currencies on combined.currency = currencies.currency
)

select * from final
