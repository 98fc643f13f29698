-- The cases of a day never exceed its seats, whatever arrives. A row returned is an overbooked day.
select
    alerts.alert_date,
    count(*) as case_count
from {{ ref('proposed_alerts') }} as alerts
left outer join {{ ref('review_seats') }} as seats on alerts.alert_date = seats.review_date
group by alerts.alert_date, seats.cases_per_day
having
    count(*) > coalesce(seats.cases_per_day, 0)
    or count(distinct alerts.case_id) < count(*)
