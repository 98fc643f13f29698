-- Grain: one row per detector: should it be trained again?
-- 'retrain' when strong evidence persists: its scores drifted in three of the last four weeks and
-- so did features that carry much of what it says; or alerts are confirmed clearly less often than
-- their risk promised (detectors that learn from labels only); or its champion is old and, if it
-- learns from labels, some have been decided since. 'watch' when there is only a part of that. One
-- odd week, such as a holiday's, is neither.
with

recommended as (
    select
        *,
        case
            when version is null then 'watch'
            when (is_score_drifted and is_feature_drifted) or is_precision_low or is_old
                then 'retrain'
            when is_score_drifted or is_feature_drifted or is_attribution_shifted then 'watch'
            else 'fine'
        end as recommendation
    from {{ ref('retrain_evidence') }}
),

final as (
    select
        detector,
        version,
        recommendation,
        case
            when version is null then 'No version is in use yet.'
            when recommendation = 'fine' then 'Nothing speaks for training again.'
            else
                concat_ws(
                    ' ',
                    case
                        when is_score_drifted
                            then
                                'Scores drifted in ' || score_drift_weeks
                                || ' of the last 4 weeks.'
                    end,
                    case
                        when is_feature_drifted
                            then
                                'Features that carry ' || round(drifted_share * 100)::integer
                                || ' % of its explanations drifted.'
                    end,
                    case
                        when is_attribution_shifted
                            then 'It goes by other features than at its beginning.'
                    end,
                    case
                        when is_precision_low
                            then
                                'Alerts were confirmed '
                                || round(-precision_gap * 100)::integer
                                || ' percentage points less often than expected.'
                    end,
                    case
                        when is_old
                            then 'It has been in use for ' || champion_age_days || ' days.'
                    end
                )
        end as reason_en,
        case
            when version is null then '아직 사용 중인 버전이 없습니다.'
            when recommendation = 'fine' then '재학습이 필요하다는 근거가 없습니다.'
            else
                concat_ws(
                    ' ',
                    case
                        when is_score_drifted
                            then '최근 4주 중 ' || score_drift_weeks || '주에서 점수 분포가 달라졌습니다.'
                    end,
                    case
                        when is_feature_drifted
                            then
                                '설명 기여도의 ' || round(drifted_share * 100)::integer
                                || '%를 차지하는 변수의 분포가 달라졌습니다.'
                    end,
                    case
                        when is_attribution_shifted
                            then '판단에 주로 쓰는 변수가 사용 초기와 달라졌습니다.'
                    end,
                    case
                        when is_precision_low
                            then
                                '알림의 확정률이 예상보다 '
                                || round(-precision_gap * 100)::integer || '%p 낮습니다.'
                    end,
                    case
                        when is_old then '사용한 지 ' || champion_age_days || '일이 지났습니다.'
                    end
                )
        end as reason_ko,
        drifted_share,
        score_weeks,
        score_drift_weeks,
        attribution_ndcg,
        is_attribution_shifted,
        champion_age_days,
        newer_label_count,
        decided_count,
        precision_gap,
        as_of
    from recommended
)

select * from final
