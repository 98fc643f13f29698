-- Grain: one row per candidate that is alerted, waits or is muted under another alert of its case.
-- Mandatory cases form one queue, first come first served: what finds no seat on its day waits
-- (alert_date null when it waits beyond the last day). The seats they leave go to the cases of that
-- day with the highest expected value, if it is above zero and somebody can say why; what finds no
-- seat then falls below the line.
with

candidates as (
    select * from {{ ref('alert_candidates') }}
),

ranked_in_case as (
    select
        *,
        bool_or(is_mandatory) over (partition by case_id) as is_mandatory_case,
        row_number() over (
            partition by case_id
            order by is_mandatory desc, is_explained desc, expected_value desc, subject_id asc
        ) as place_in_case
    from candidates
    -- a settled purchase is only back for its mandatory hit
    where is_mandatory or not is_scored_before
),

cases as (
    select * from ranked_in_case
    where
        place_in_case = 1
        and (is_mandatory_case or (is_explained and expected_value > 0))
),

mandatory as (
    select
        case_id,
        queued_on,
        row_number() over (
            order by queued_on asc, occurred_on asc, expected_value desc, subject_id asc
        ) as place
    from cases
    where is_mandatory_case
),

arrivals as (
    select
        queued_on as review_date,
        count(*) as arrived
    from mandatory
    group by queued_on
),

-- how many mandatory cases have been served by the end of each day: all that arrived less the
-- backlog, and the backlog is the rise of (arrived - seats) above its lowest point so far
balance as (
    select
        review_seats.review_date,
        review_seats.ranked_seats,
        coalesce(arrivals.arrived, 0) as arrived,
        sum(coalesce(arrivals.arrived, 0)) over by_day as arrived_so_far,
        sum(coalesce(arrivals.arrived, 0) - review_seats.ranked_seats) over by_day as net_so_far
    from {{ ref('review_seats') }} as review_seats
    left outer join arrivals on review_seats.review_date = arrivals.review_date
    window by_day as (order by review_seats.review_date)
),

served as (
    select
        review_date,
        ranked_seats,
        arrived_so_far - (net_so_far - least(min(net_so_far) over (order by review_date), 0))
            as served_so_far
    from balance
),

service as (
    select
        review_date,
        ranked_seats,
        coalesce(lag(served_so_far) over (order by review_date), 0) as served_before,
        served_so_far
    from served
),

mandatory_alerts as (
    select
        mandatory.case_id,
        service.review_date as alert_date
    from mandatory
    left outer join service
        on
            mandatory.place > service.served_before
            and mandatory.place <= service.served_so_far
),

ranked as (
    select
        cases.case_id,
        cases.queued_on,
        row_number() over (
            partition by cases.queued_on
            order by cases.expected_value desc, cases.subject_id asc
        ) as place
    from cases
    where not cases.is_mandatory_case
),

ranked_alerts as (
    select
        ranked.case_id,
        ranked.queued_on as alert_date
    from ranked
    inner join service on ranked.queued_on = service.review_date
    where ranked.place <= service.ranked_seats - (service.served_so_far - service.served_before)
),

chosen as (
    select
        case_id,
        alert_date,
        'mandatory' as lane
    from mandatory_alerts
    union all
    select
        case_id,
        alert_date,
        'risk' as lane
    from ranked_alerts
),

final as (
    select
        ranked_in_case.case_id,
        chosen.lane,
        chosen.alert_date,
        ranked_in_case.place_in_case = 1 as is_alert,
        ranked_in_case.queued_on,
        ranked_in_case.occurred_on,
        ranked_in_case.subject_type,
        ranked_in_case.subject_id,
        ranked_in_case.transaction_id,
        ranked_in_case.is_mandatory,
        ranked_in_case.risk,
        ranked_in_case.expected_value
    from ranked_in_case
    inner join chosen on ranked_in_case.case_id = chosen.case_id
)

select * from final
