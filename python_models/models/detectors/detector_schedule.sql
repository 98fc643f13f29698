-- Grain: one row per detector and day on which it is fitted: the first of each month as soon as
-- there is enough history behind it, and whenever somebody, or the monitoring, asked for it. A
-- version is judged on days that it has not learned from, the holdout. Outcomes of the last days
-- are not known yet, so the holdout of a detector that learns from decisions ends a gap before the
-- fitting day: the time within which 95 % of the decisions known that morning had been taken.
with

history as (
    select
        min(transaction_date) as first_day,
        max(transaction_date) as last_day
    from {{ ref('feat_card_daily') }}
),

months as (
    select distinct date_trunc('month', transaction_date)::date as fitted_on
    from {{ ref('feat_card_daily') }}
),

due as (
    select
        detectors.detector,
        detectors.is_supervised,
        months.fitted_on,
        'schedule' as reason
    from months
    cross join history
    cross join {{ ref('detectors') }} as detectors
    where months.fitted_on >= history.first_day + {{ var('detector_minimum_history_days') }}
    union all
    select
        detectors.detector,
        detectors.is_supervised,
        requests.requested_on as fitted_on,
        requests.reason
    from {{ source('ledger', 'retrain_requests') }} as requests
    inner join {{ ref('detectors') }} as detectors on requests.detector = detectors.detector
    cross join history
    where
        requests.requested_on <= history.last_day + 1
        and requests.requested_on >= history.first_day + {{ var('detector_minimum_history_days') }}
),

fitting_days as (
    select
        detector,
        is_supervised,
        fitted_on,
        max(reason) as reason
    from due
    group by detector, is_supervised, fitted_on
),

delays as (
    select
        decisions.decided_on,
        decisions.decided_on - transactions.transaction_date as delay_days
    from {{ ref('label_decisions') }} as decisions
    inner join {{ ref('int_transactions') }} as transactions
        on decisions.transaction_id = transactions.transaction_id
    where decisions.decided_on >= transactions.transaction_date
),

gaps as (
    select
        days.fitted_on,
        ceil(percentile_cont(0.95) within group (order by delays.delay_days))::integer as gap_days
    from (select distinct fitted_on from fitting_days) as days
    inner join delays on days.fitted_on > delays.decided_on
    group by days.fitted_on
),

dated as (
    select
        fitting_days.detector,
        fitting_days.fitted_on,
        fitting_days.reason,
        case
            when fitting_days.is_supervised
                then coalesce(gaps.gap_days, {{ var('decision_gap_days') }})
            else 0
        end as gap_days,
        case
            when fitting_days.is_supervised then {{ var('holdout_days') }}
            else {{ var('unlabelled_holdout_days') }}
        end as holdout_days
    from fitting_days
    left outer join gaps on fitting_days.fitted_on = gaps.fitted_on
),

held_out as (
    select
        dated.*,
        -- what is held back must leave enough to learn from
        dated.fitted_on - dated.gap_days - dated.holdout_days
        >= history.first_day + {{ var('detector_minimum_history_days') }} as is_judged
    from dated
    cross join history
),

final as (
    select
        detector,
        fitted_on,
        reason,
        gap_days,
        case when is_judged then (fitted_on - gap_days - holdout_days)::date end as holdout_from,
        case when is_judged then (fitted_on - gap_days)::date end as holdout_until,
        {{ features_version() }} as features_version
    from held_out
)

select * from final
order by detector, fitted_on
