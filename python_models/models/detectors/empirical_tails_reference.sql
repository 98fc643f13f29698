-- Grain: one row per version of a detector that counts tails, feature and knot of its reference:
-- what is in the artefact, as a table. Of the reference values of the feature `below` lie below
-- the knot and `upto` up to it. For the value x of a purchase the last knot k <= x gives
--     at or above x   total - below if x = k, else total - upto (total if x lies below every k)
--     part            -ln((1 + at or above x) / (total + 1))
-- and the parts of its features add up to the score. Where a version looks at both tails the part
-- is the larger of this and the same with what lies at or below x. A missing value counts as the
-- median, and one within 2 % of a common knot (5 % of the reference) as that knot.
with

versions as (
    select
        detector,
        version,
        from_json(
            decode(artefact),
            '{
                "features": ["VARCHAR"],
                "tables": [{
                    "knots": ["DOUBLE"], "below": ["BIGINT"], "upto": ["BIGINT"], "median": "DOUBLE"
                }]
            }'
        ) as content
    from {{ ref('model_fits') }}
    where
        algorithm = 'empirical_tails'
        and status = 'fitted'
),

features as (
    select
        versions.detector,
        versions.version,
        unnest(versions.content.features) as feature,
        unnest(versions.content.tables) as reference
    from versions
),

knots as (
    select
        features.detector,
        features.version,
        features.feature,
        features.reference.median,
        features.reference.upto[-1] as total,
        unnest(features.reference.knots) as knot,
        unnest(features.reference.below) as below,
        unnest(features.reference.upto) as upto
    from features
),

final as (
    select
        *,
        upto - below >= 0.05 * total as is_common
    from knots
)

select * from final
