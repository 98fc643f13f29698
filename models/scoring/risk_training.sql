{{ config(materialized='table') }}
-- Grain: one row per fitting day that is due and purchase that the stack may learn from or be
-- judged on that day, with the outcome as it was known on that morning (the latest decision that
-- was available before it) and the number of purchases it stands for.
-- The stack must say how likely misuse is, not how likely it is where somebody looked:
--   Before Cardwatch, and as long as too little of its audit is decided, nobody knows why a
--   purchase was looked at. A decision counts once, and what was not decided in part, as innocent.
--   From then on what Cardwatch has settled and nobody decided counts nothing: the purchases that
--   were drawn at random and decided speak for it, each for 1 / (probability of being drawn), made
--   to add up to what was left to the draw. There is no upper limit as there is for the
--   tree: four coefficients cannot learn a single row by heart, and a limit would make misuse that
--   nobody looks for rarer than it is.
-- The tree's term is what the champion of the fitting day says of the purchase, not what a tree
-- said on its day: coefficients hold for one version of the tree.
with

due as (
    select * from {{ ref('risk_due') }}
),

known as (
    select
        due.fitted_on,
        decisions.transaction_id,
        decisions.misuse,
        decisions.is_reviewed,
        decisions.review_probability
    from due
    inner join {{ ref('latest_decisions') }} as decisions
        on
            due.fitted_on >= decisions.known_from
            and due.fitted_on < decisions.known_until
),

purchases as (
    select
        due.fitted_on,
        parts.transaction_id,
        parts.transaction_date,
        parts.rule_risk,
        parts.anomaly_score,
        trees.probability as tree_probability,
        due.tree_version,
        known.misuse,
        coalesce(known.is_reviewed, false) as is_reviewed,
        coalesce(known.review_probability, scores.review_probability) as review_probability,
        -- neither in a case for a reason nor decided elsewhere: what the audit is to speak for
        coalesce(known.review_probability, scores.review_probability, 1) < 1
        and (known.misuse is null or known.is_reviewed) as is_left_to_audit
    from due
    inner join {{ ref('risk_parts') }} as parts
        on
            due.known_until > parts.transaction_date
            and due.learns_from <= parts.transaction_date
    left outer join {{ ref('tree_unseen__scores') }} as trees
        on
            due.fitted_on = trees.transaction_date
            and parts.transaction_id = trees.transaction_id
    left outer join known
        on
            due.fitted_on = known.fitted_on
            and parts.transaction_id = known.transaction_id
    left outer join {{ source('ledger', 'scores') }} as scores
        on parts.transaction_id = scores.transaction_id
),

audits as (
    select
        fitted_on,
        count(*) filter (where is_left_to_audit) as left_count,
        sum(1 / review_probability) filter (where is_left_to_audit and is_reviewed)
            as audited_for,
        count(*) filter (where is_left_to_audit and is_reviewed)
        >= {{ var('minimum_audit_decisions') }} as is_audited
    from purchases
    group by fitted_on
),

sizes as (
    select
        fitted_on,
        least(1.0, {{ var('detector_training_rows') }} / count(*)) as sampled_share
    from purchases
    group by fitted_on
),

weighed as (
    select
        purchases.*,
        case
            when purchases.misuse is null
                then
                    case
                        when audits.is_audited and purchases.review_probability is not null then 0
                        else {{ var('undecided_weight') }} / sizes.sampled_share
                    end
            when audits.is_audited and purchases.is_left_to_audit
                then audits.left_count / audits.audited_for / purchases.review_probability
            else 1
        end::double as weight
    from purchases
    inner join audits on purchases.fitted_on = audits.fitted_on
    inner join sizes on purchases.fitted_on = sizes.fitted_on
    where
        purchases.misuse is not null
        or {{ hash_fraction('purchases.transaction_id') }} < sizes.sampled_share
),

terms as (
    select
        *,
        ln(1 / (1 - rule_risk)) as rule_term,
        {{ log_odds('tree_probability') }} as tree_term,
        {{ anomaly_share('anomaly_score', var('anomaly_tail_from'), var('anomaly_tail_full')) }}
            as anomaly_term
    from weighed
    where weight > 0
),

final as (
    select
        terms.fitted_on,
        terms.transaction_id,
        terms.transaction_date,
        terms.tree_version,
        terms.misuse,
        terms.weight,
        terms.rule_term,
        terms.tree_term,
        terms.anomaly_term,
        {{ noisy_or_risk(
            'terms.rule_risk',
            'noisy_or.tree_coefficient * terms.tree_probability',
            'noisy_or.anomaly_coefficient * terms.anomaly_term'
        ) }} as noisy_or_risk
    from terms
    cross join {{ ref('noisy_or') }} as noisy_or
)

select * from final
