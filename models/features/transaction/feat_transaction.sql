{{ config(
    unique_key='transaction_date', pre_hook='{{ join_as_written() }}', post_hook='{{ as_planned() }}'
) }}
-- Grain: one row per transaction: the feature vector, with the context that rules need.
-- Features are doubles; null means "not known", never zero. Windows do not include the transaction
-- itself. To add a feature: one expression here, its entry in yml, its row in feature_catalog.
with

transactions as (
    select
        *,
        -- the city that the card was in; a condition on one side alone has no place in a left join
        case
            when is_purchase and coalesce(entry_mode, 'unknown') <> 'online' then merchant_city
        end as visited_city
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date') }}
),

-- the days that are built, of every table that is joined: a hash table of all history would be made
-- of it otherwise
{% for table in [
    'feat_transaction_intraday', 'feat_transaction_employee', 'feat_transaction_travel',
    'feat_transaction_meeting', 'feat_transaction_misuse_run', 'feat_card_history',
    'feat_card_quartile', 'feat_card_spread', 'feat_employee_history', 'feat_employee_spread',
    'feat_employee_category_shift', 'feat_department_history', 'feat_merchant_history',
    'feat_merchant_spread', 'feat_card_merchant_history', 'feat_employee_merchant_history',
    'feat_card_category_history', 'feat_card_city_history', 'feat_peer_history',
    'feat_decision_history',
] %}
    {{ table }} as (
        select * from {{ ref(table) }}
        where {{ in_build_window('transaction_date') }}
    ),
{% endfor %}

joined as (
    select
        transactions.*,
        -- exclude() takes bare names
        -- noqa: disable=RF02
        intraday.* exclude (transaction_id, transaction_date),
        employee_intraday.* exclude (transaction_id, transaction_date),
        travel.* exclude (transaction_id, transaction_date),
        meeting.* exclude (transaction_id, transaction_date),
        misuse_run.* exclude (transaction_id, transaction_date),
        card_history.* exclude (card_id, transaction_date),
        card_quartile.* exclude (card_id, transaction_date),
        card_spread.* exclude (card_id, transaction_date),
        employee_history.* exclude (employee_id, transaction_date),
        employee_spread.* exclude (employee_id, transaction_date),
        employee_category_shift.* exclude (employee_id, transaction_date),
        department_history.* exclude (department_id, transaction_date),
        merchant_history.* exclude (merchant_id, transaction_date),
        merchant_spread.* exclude (merchant_id, transaction_date),
        card_merchant_history.* exclude (card_id, merchant_id, transaction_date),
        employee_merchant_history.* exclude (employee_id, merchant_id, transaction_date),
        card_category_history.* exclude (card_id, category_key, transaction_date),
        card_city_history.* exclude (card_id, merchant_city, transaction_date),
        peer_history.* exclude (
            currency, category_key, department_key, grade_key, transaction_date
        ),
        -- noqa: enable=RF02
        merchant_decisions.misuse_rate_1d as merchant_misuse_rate_1d,
        merchant_decisions.misuse_rate_7d as merchant_misuse_rate_7d,
        merchant_decisions.misuse_rate_14d as merchant_misuse_rate_14d,
        merchant_decisions.misuse_rate_30d as merchant_misuse_rate_30d,
        merchant_decisions.misuse_rate_90d as merchant_misuse_rate_90d,
        merchant_decisions.decided_count_30d as merchant_decided_count_30d,
        merchant_decisions.misuse_count_30d as merchant_misuse_count_30d,
        merchant_decisions.days_since_misuse as merchant_days_since_misuse,
        category_decisions.misuse_rate_90d as category_misuse_rate_90d,
        category_decisions.decided_count_90d as category_decided_count_90d,
        department_decisions.misuse_rate_90d as department_misuse_rate_90d,
        department_decisions.decided_count_90d as department_decided_count_90d,
        approver_decisions.misuse_rate_90d as approver_misuse_rate_90d,
        approver_decisions.decided_count_90d as approver_decided_count_90d
    from transactions
    inner join feat_transaction_intraday as intraday
        on
            transactions.transaction_date = intraday.transaction_date
            and transactions.transaction_id = intraday.transaction_id
    left outer join feat_transaction_employee as employee_intraday
        on
            transactions.transaction_date = employee_intraday.transaction_date
            and transactions.transaction_id = employee_intraday.transaction_id
    left outer join feat_transaction_travel as travel
        on
            transactions.transaction_date = travel.transaction_date
            and transactions.transaction_id = travel.transaction_id
    left outer join feat_transaction_meeting as meeting
        on
            transactions.transaction_date = meeting.transaction_date
            and transactions.transaction_id = meeting.transaction_id
    left outer join feat_transaction_misuse_run as misuse_run
        on
            transactions.transaction_date = misuse_run.transaction_date
            and transactions.transaction_id = misuse_run.transaction_id
    inner join feat_card_history as card_history
        on
            transactions.transaction_date = card_history.transaction_date
            and transactions.card_id = card_history.card_id
    left outer join feat_card_quartile as card_quartile
        on
            transactions.transaction_date = card_quartile.transaction_date
            and transactions.card_id = card_quartile.card_id
    inner join feat_card_spread as card_spread
        on
            transactions.transaction_date = card_spread.transaction_date
            and transactions.card_id = card_spread.card_id
    left outer join feat_employee_history as employee_history
        on
            transactions.transaction_date = employee_history.transaction_date
            and transactions.employee_id = employee_history.employee_id
    left outer join feat_employee_spread as employee_spread
        on
            transactions.transaction_date = employee_spread.transaction_date
            and transactions.employee_id = employee_spread.employee_id
    left outer join feat_employee_category_shift as employee_category_shift
        on
            transactions.transaction_date = employee_category_shift.transaction_date
            and transactions.employee_id = employee_category_shift.employee_id
    left outer join feat_department_history as department_history
        on
            transactions.transaction_date = department_history.transaction_date
            and transactions.department_id = department_history.department_id
    inner join feat_merchant_history as merchant_history
        on
            transactions.transaction_date = merchant_history.transaction_date
            and transactions.merchant_id = merchant_history.merchant_id
    inner join feat_merchant_spread as merchant_spread
        on
            transactions.transaction_date = merchant_spread.transaction_date
            and transactions.merchant_id = merchant_spread.merchant_id
    inner join feat_card_merchant_history as card_merchant_history
        on
            transactions.transaction_date = card_merchant_history.transaction_date
            and transactions.card_id = card_merchant_history.card_id
            and transactions.merchant_id = card_merchant_history.merchant_id
    left outer join feat_employee_merchant_history as employee_merchant_history
        on
            transactions.transaction_date = employee_merchant_history.transaction_date
            and transactions.employee_id = employee_merchant_history.employee_id
            and transactions.merchant_id = employee_merchant_history.merchant_id
    inner join feat_card_category_history as card_category_history
        on
            transactions.transaction_date = card_category_history.transaction_date
            and transactions.card_id = card_category_history.card_id
            and coalesce(transactions.category, 'unknown') = card_category_history.category_key
    left outer join feat_card_city_history as card_city_history
        on
            transactions.transaction_date = card_city_history.transaction_date
            and transactions.card_id = card_city_history.card_id
            and transactions.visited_city = card_city_history.merchant_city
    left outer join feat_peer_history as peer_history
        on
            transactions.transaction_date = peer_history.transaction_date
            and transactions.currency = peer_history.currency
            and coalesce(transactions.category, 'unknown') = peer_history.category_key
            and coalesce(transactions.department_id, 'unknown') = peer_history.department_key
            and coalesce(transactions.grade, 'unknown') = peer_history.grade_key
    inner join feat_decision_history as merchant_decisions
        on
            transactions.transaction_date = merchant_decisions.transaction_date
            and transactions.merchant_id = merchant_decisions.subject_id
            and merchant_decisions.subject = 'merchant'
    inner join feat_decision_history as category_decisions
        on
            transactions.transaction_date = category_decisions.transaction_date
            and coalesce(transactions.category, 'unknown') = category_decisions.subject_id
            and category_decisions.subject = 'category'
    left outer join feat_decision_history as department_decisions
        on
            transactions.transaction_date = department_decisions.transaction_date
            and transactions.department_id = department_decisions.subject_id
            and department_decisions.subject = 'department'
    left outer join feat_decision_history as approver_decisions
        on
            transactions.transaction_date = approver_decisions.transaction_date
            and transactions.approver_id = approver_decisions.subject_id
            and approver_decisions.subject = 'approver'
),

final as (
    select
        -- context
        transaction_id,
        transaction_date,
        authorized_at,
        card_id,
        card_status,
        employee_id,
        department_id,
        grade,
        approver_id,
        merchant_id,
        merchant_name,
        merchant_keyword,
        merchant_city,
        merchant_country,
        mcc,
        category,
        category_policy,
        entry_mode,
        currency,
        status,
        is_purchase,
        single_limit,
        monthly_limit,
        absence_kind,
        trip_city,

        -- amount
        amount,
        amount / nullif(single_limit, 0) as amount_to_single_limit,
        case
            when amount::bigint <> amount or amount = 0 then 0.0
            when amount::bigint % 1000000 = 0 then 6.0
            when amount::bigint % 100000 = 0 then 5.0
            when amount::bigint % 10000 = 0 then 4.0
            when amount::bigint % 1000 = 0 then 3.0
            when amount::bigint % 100 = 0 then 2.0
            when amount::bigint % 10 = 0 then 1.0
            else 0.0
        end::double as amount_trailing_zeros,
        is_round::integer::double as amount_is_round,
        amount / card_amount_mean_30d as card_amount_ratio_30d,
        amount / card_amount_mean_90d as card_amount_ratio_90d,
        amount / card_amount_max_90d as card_amount_to_max_90d,
        amount / card_baseline_amount_mean as card_amount_to_baseline,
        {{ deviation_from_baseline('amount') }} as card_amount_deviation_from_baseline,
        case
            when is_purchase
                then
                    (log_amount::double - card_log_amount_mean_90d)
                    / (card_log_amount_std_90d + 0.1)
        end as card_amount_z_90d,
        -- a normal distribution has its quartiles 1.349 standard deviations apart
        case
            when is_purchase
                then
                    (log_amount::double - card_log_amount_median_90d)
                    / (card_log_amount_quartile_range_90d / 1.349 + 0.1)
        end as card_amount_robust_z_90d,
        amount / card_category_amount_mean_90d as card_category_amount_ratio_90d,
        amount / employee_amount_mean_90d as employee_amount_ratio_90d,
        amount / employee_merchant_amount_mean_90d as employee_merchant_amount_ratio_90d,
        amount / department_amount_mean_90d as department_amount_ratio_90d,
        amount / merchant_amount_mean_30d as merchant_amount_ratio_30d,
        (amount - merchant_amount_mean_90d)
        / (merchant_amount_std_90d + 0.01 * merchant_amount_mean_90d)
            as merchant_amount_deviation_90d,
        case when is_purchase then exp(log_amount::double - peer_log_amount_mean_90d) end
            as peer_amount_ratio_90d,
        case
            when is_purchase
                then
                    (log_amount::double - peer_log_amount_mean_90d)
                    / (peer_log_amount_std_90d + 0.1)
        end as peer_amount_z_90d,
        case when is_purchase then peer_txn_count_90d end as peer_txn_count_90d,

        -- time
        case when has_time then extract('hour' from authorized_at) end::double as hour_of_day,
        case
            when has_time
                then
                    (
                        extract('hour' from authorized_at) >= {{ var('night_from_hour') }}
                        or extract('hour' from authorized_at) < {{ var('night_until_hour') }}
                    )::integer
        end::double as is_night,
        case
            when has_time
                then
                    card_time_concentration_90d
                    * (1 - cos({{ angle_of_day('authorized_at') }} - card_time_angle_90d))
        end as card_time_surprise_90d,
        -- greatest() and least() would pass over a null
        case
            when has_time and card_time_angle_90d is not null
                then
                    12 / pi() * acos(
                        greatest(
                            -1,
                            least(1, cos({{ angle_of_day('authorized_at') }} - card_time_angle_90d))
                        )
                    )
        end as card_hours_from_usual_90d,
        {{ iso_weekday('transaction_date') }}::double as day_of_week,
        (last_day(transaction_date) - transaction_date)::double as days_to_month_end,
        is_weekend::integer::double as is_weekend,
        is_holiday::integer::double as is_holiday,
        (is_weekend or coalesce(is_holiday, false))::integer::double as is_day_off,
        is_on_leave::integer::double as is_on_leave,
        is_on_trip::integer::double as is_on_trip,
        case
            when is_on_trip and coalesce(entry_mode, 'unknown') <> 'online'
                then (merchant_city <> trip_city)::integer
        end::double as is_outside_trip_city,
        (transaction_date - hired_on)::double as employee_days_since_hired,
        -- 0 says "has not left", which only the register of employees can say
        case when department_id is not null then greatest(transaction_date - left_on, 0) end::double
            as employee_days_since_left,
        case when left_on >= transaction_date then left_on - transaction_date end::double
            as employee_days_until_left,
        (transaction_date - employee_told_at::date)::double as employee_days_since_told,
        (transaction_date - limit_told_at::date)::double as card_days_since_limit_told,
        case
            when card_status is not null
                then greatest(transaction_date - card_valid_to::date, 0)
        end::double as card_days_since_expired,

        -- the place
        case
            when coalesce(entry_mode, 'unknown') <> 'online'
                then
                    {{ kilometres_between(
                        'home_latitude', 'home_longitude', 'latitude', 'longitude'
                    ) }}
        end as employee_kilometres_from_home,
        card_hours_since_position,
        card_kilometres_since_position,
        -- a minute at least, or the shop next door would be a flight
        card_kilometres_since_position / greatest(card_hours_since_position, 1.0 / 60)
            as card_kilometres_per_hour,
        card_city_txn_count_90d,
        card_days_since_city,

        -- whom the card meets
        case
            when has_time and is_purchase and merchant_txn_count_30m <= {{ var('meeting_crowd') }}
                then coalesce(card_meeting_count_30m, 0)
        end as card_meeting_count_30m,
        case
            when has_time and is_purchase and merchant_txn_count_30m <= {{ var('meeting_crowd') }}
                then coalesce(card_pair_meeting_days_90d, 0)
        end as card_pair_meeting_days_90d,

        -- the card's pace
        card_txn_count_10m,
        card_txn_count_15m,
        card_txn_count_30m,
        card_txn_count_1h,
        card_txn_count_1d,
        card_txn_count_7d,
        card_txn_count_14d,
        card_txn_count_30d,
        card_txn_count_90d,
        card_txn_count_365d,
        card_decline_count_7d,
        card_txn_count_1d / nullif(card_txn_count_30d / 30, 0) as card_pace_ratio_1d,
        card_txn_count_7d / nullif(card_txn_count_90d * 7 / 90, 0) as card_pace_ratio_7d,
        card_hours_since_purchase,
        card_days_since_active,
        card_pause_days_7d,
        card_merchant_count_30d,
        card_merchant_count_90d,
        card_merchant_concentration_90d,
        employee_txn_count_1h,
        employee_txn_count_1d,
        employee_txn_count_7d,
        employee_txn_count_30d,
        employee_txn_count_90d,
        employee_txn_count_365d,
        employee_days_since_active,
        employee_merchant_count_30d,
        employee_merchant_count_90d,
        employee_merchant_concentration_90d,
        department_txn_count_7d,
        department_txn_count_30d,
        department_txn_count_90d,

        -- the card's spending
        card_amount_mean_15m,
        card_amount_mean_30m,
        card_amount_mean_1h,
        card_amount_mean_1d,
        card_amount_mean_7d,
        card_amount_mean_14d,
        card_amount_mean_30d,
        card_amount_mean_90d,
        card_amount_mean_365d,
        card_amount_sum_10m,
        card_amount_sum_1h,
        card_amount_sum_1d,
        card_amount_sum_7d,
        card_amount_sum_30d,
        card_amount_sum_90d,
        card_amount_sum_365d,
        card_amount_max_7d,
        card_amount_max_30d,
        card_amount_max_90d,
        card_amount_max_365d,
        card_amount_std_30d,
        card_amount_std_90d,
        card_amount_std_365d,
        card_round_share_90d,
        card_amount_mean_7d / card_amount_mean_90d as card_amount_shift_7d,
        card_amount_max_7d / card_amount_mean_90d as card_amount_peak_7d,
        card_baseline_amount_mean,
        card_amount_max_14d / card_baseline_amount_mean as card_amount_peak_14d,
        card_amount_mean_1d / card_baseline_amount_mean as card_amount_shift_1d,
        employee_amount_sum_1d,
        employee_amount_sum_7d,
        employee_amount_sum_30d,
        employee_amount_sum_90d,
        employee_amount_sum_365d,
        employee_amount_mean_30d,
        employee_amount_mean_90d,
        employee_amount_mean_365d,
        employee_amount_max_30d,
        employee_amount_max_90d,
        employee_amount_std_90d,
        department_amount_sum_7d,
        department_amount_sum_30d,
        department_amount_sum_90d,
        department_amount_mean_30d,
        department_amount_mean_90d,
        department_amount_max_90d,
        department_amount_std_90d,
        card_near_limit_count_30d,
        card_near_limit_count_today,
        card_amount_sum_month_until_today + card_amount_sum_today as card_amount_sum_month,
        (card_amount_sum_month_until_today + card_amount_sum_today + greatest(amount, 0))
        / nullif(monthly_limit, 0)
            as card_month_to_monthly_limit,
        card_cash_like_amount_sum_30d,
        card_cash_like_amount_sum_today,

        -- the merchant
        merchant_txn_count_10m,
        merchant_txn_count_15m,
        merchant_txn_count_30m,
        merchant_txn_count_1h,
        merchant_txn_count_1d,
        merchant_txn_count_7d,
        merchant_txn_count_14d,
        merchant_txn_count_30d,
        merchant_txn_count_90d,
        merchant_txn_count_365d,
        merchant_days_since_active,
        merchant_card_count_30d,
        merchant_card_count_90d,
        merchant_card_concentration_90d,
        card_merchant_txn_count_90d / nullif(merchant_txn_count_90d, 0) as merchant_card_share_90d,
        merchant_amount_mean_15m,
        merchant_amount_mean_30m,
        merchant_amount_mean_1h,
        merchant_amount_mean_1d,
        merchant_amount_mean_30d,
        merchant_amount_mean_90d,
        merchant_amount_max_90d,
        merchant_amount_std_90d,
        merchant_misuse_rate_1d,
        merchant_misuse_rate_7d,
        merchant_misuse_rate_14d,
        merchant_misuse_rate_30d,
        merchant_misuse_rate_90d,
        merchant_decided_count_30d,
        merchant_misuse_count_30d,
        merchant_days_since_misuse,
        coalesce(merchant_misuse_run_90d, 0) as merchant_misuse_run_90d,
        merchant_days_since_misuse_run,
        merchant_days_since_innocent,

        -- what was decided elsewhere
        category_misuse_rate_90d,
        category_decided_count_90d,
        department_misuse_rate_90d,
        department_decided_count_90d,
        approver_misuse_rate_90d,
        approver_decided_count_90d,

        -- the card and the merchant, the card and the category
        card_merchant_txn_count_1d,
        card_merchant_amount_sum_1d,
        card_merchant_txn_count_3d,
        card_merchant_amount_sum_3d,
        -- several bills that are each below the limit, and more than it together
        case
            when
                is_purchase
                and amount < single_limit
                and card_merchant_amount_max_3d < single_limit
                then (card_merchant_amount_sum_3d + amount) / single_limit
        end as card_split_to_single_limit_3d,
        card_merchant_same_amount_count_3d,
        merchant_same_amount_count_3d,
        approver_merchant_txn_count_3d,
        approver_merchant_amount_sum_3d,
        card_merchant_txn_count_90d,
        card_days_since_merchant,
        employee_merchant_txn_count_30d,
        employee_merchant_txn_count_90d,
        employee_merchant_txn_count_365d,
        employee_merchant_amount_sum_30d,
        employee_merchant_amount_sum_90d,
        employee_merchant_amount_sum_365d,
        employee_merchant_amount_mean_90d,
        employee_merchant_amount_max_90d,
        employee_days_since_merchant,
        card_category_txn_count_30d,
        card_category_txn_count_90d,
        card_category_txn_count_365d,
        card_category_amount_sum_30d,
        card_category_amount_sum_90d,
        card_category_amount_mean_90d,
        card_category_amount_max_90d,
        card_category_amount_std_90d,
        card_category_txn_count_90d / nullif(card_txn_count_90d, 0) as card_category_share_90d,
        card_days_since_category,

        -- what the last week changed in the habits of holder and merchant
        employee_category_shift_7d,
        employee_amount_shift_7d,
        merchant_amount_shift_7d,
        merchant_card_shift_7d
    from joined
)

select * from final
