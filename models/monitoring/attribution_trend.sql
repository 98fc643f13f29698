-- Grain: one row per detector, complete month and feature: its share in what the detector says of
-- the purchases it explains, and whether the order of the features has moved since the first month
-- of the same version. Of two versions in one month the last is counted: mixed they would say
-- nothing of either.
with

scores as (
    select
        'gradient_boosted_tree' as detector,
        *
    from {{ ref('score_gradient_boosted_tree') }}
    union all by name
    select * from {{ ref('anomaly_scores') }}
),

reasons as (
    select
        detector,
        transaction_id,
        date_trunc('month', transaction_date)::date as month,
        transaction_date,
        version,
        {{ unnest_structs('reasons') }}
    from scores
    where reasons is not null
),

months as (
    select
        detector,
        month,
        max_by(version, transaction_date) as version
    from reasons
    where
        month + interval 1 month
        <= (select built_until + 1 from {{ ref('build_window') }})
    group by detector, month
),

counted as (
    select
        months.detector,
        months.month,
        months.version,
        reasons.feature,
        sum(abs(reasons.contribution)) as contribution
    from months
    inner join reasons
        on
            months.detector = reasons.detector
            and months.month = reasons.month
            and months.version = reasons.version
    group by all
),

explained as (
    select
        months.detector,
        months.month,
        count(distinct reasons.transaction_id) as explained_count
    from months
    inner join reasons
        on
            months.detector = reasons.detector
            and months.month = reasons.month
            and months.version = reasons.version
    group by months.detector, months.month
),

first_months as (
    select
        detector,
        version,
        min(month) as reference_month
    from months
    group by detector, version
),

-- every feature that the detector named this month, the month before or in the reference month

named as (
    select
        months.detector,
        months.month,
        months.version,
        first_months.reference_month,
        features.feature
    from months
    inner join first_months
        on
            months.detector = first_months.detector
            and months.version = first_months.version
    inner join counted as features
        on
            months.detector = features.detector
            and (
                months.month = features.month
                or first_months.reference_month = features.month
                or months.month - interval 1 month = features.month
            )
    group by all
),

all_shares as (
    select
        detector,
        month,
        feature,
        contribution / sum(contribution) over (partition by detector, month) as share
    from counted
),

shares as (
    select
        named.*,
        coalesce(this_month.share, 0) as share,
        case when known.month is not null then coalesce(previous_month.share, 0) end
            as previous_share,
        coalesce(first_month.share, 0) as reference_share
    from named
    left outer join all_shares as this_month
        on
            named.detector = this_month.detector
            and named.month = this_month.month
            and named.feature = this_month.feature
    left outer join all_shares as first_month
        on
            named.detector = first_month.detector
            and named.reference_month = first_month.month
            and named.feature = first_month.feature
    left outer join all_shares as previous_month
        on
            named.detector = previous_month.detector
            and named.month - interval 1 month = previous_month.month
            and named.feature = previous_month.feature
    left outer join months as known
        on
            named.detector = known.detector
            and named.month - interval 1 month = known.month
),

ranked as (
    select
        *,
        row_number() over (
            partition by detector, month
            order by share desc, feature asc
        ) as place,
        row_number() over (
            partition by detector, month
            order by reference_share desc, feature asc
        ) as reference_place
    from shares
),

-- the gain of a feature is its share in the reference month, discounted by its place

agreement as (
    select
        detector,
        month,
        sum(reference_share / log2(place + 1))
        / sum(reference_share / log2(reference_place + 1)) as ndcg,
        bool_or(
            reference_place <= 5
            and reference_share > 0
            and abs(share - reference_share) > reference_share / 3
        ) as is_top_share_changed
    from ranked
    group by detector, month
),

-- sums of floating-point numbers differ in their last digits from run to run

final as (
    select
        ranked.detector,
        ranked.month,
        ranked.feature,
        ranked.version,
        ranked.reference_month,
        explained.explained_count::bigint as explained_count,
        round(ranked.share, 9)::double as share,
        ranked.place::integer as place,
        round(ranked.previous_share, 9)::double as previous_share,
        round(ranked.reference_share, 9)::double as reference_share,
        round(agreement.ndcg, 9)::double as ndcg,
        agreement.ndcg < 0.9 or agreement.is_top_share_changed as is_shifted
    from ranked
    inner join agreement
        on
            ranked.detector = agreement.detector
            and ranked.month = agreement.month
    inner join explained
        on
            ranked.detector = explained.detector
            and ranked.month = explained.month
)

select * from final
