{{ config(
    unique_key='transaction_date', pre_hook='{{ join_as_written() }}', post_hook='{{ as_planned() }}'
) }}
-- Grain: one row per transaction: the feature vector, with the context that rules need.
-- Features are doubles; null means "not known", never zero. Windows do not include the transaction
-- itself. To add a feature: one expression here, its entry in yml, its row in feature_catalog.
-- What a transaction is compared with, and the keys of each beside the day:
{% set pasts = [
    ('inner', 'feat_transaction_moment', 'transaction_id'),
    ('inner', 'feat_transaction_intraday', 'transaction_id'),
    ('left outer', 'feat_transaction_employee', 'transaction_id'),
    ('left outer', 'feat_transaction_travel', 'transaction_id'),
    ('left outer', 'feat_transaction_meeting', 'transaction_id'),
    ('left outer', 'feat_transaction_misuse_run', 'transaction_id'),
    ('inner', 'feat_card_history', 'card_id'),
    ('left outer', 'feat_card_quartile', 'card_id'),
    ('inner', 'feat_card_spread', 'card_id'),
    ('left outer', 'feat_employee_history', 'employee_id'),
    ('left outer', 'feat_employee_spread', 'employee_id'),
    ('left outer', 'feat_employee_category_shift', 'employee_id'),
    ('left outer', 'feat_department_history', 'department_id'),
    ('inner', 'feat_merchant_history', 'merchant_id'),
    ('inner', 'feat_merchant_spread', 'merchant_id'),
    ('inner', 'feat_card_merchant_history', 'card_id, merchant_id'),
    ('left outer', 'feat_employee_merchant_history', 'employee_id, merchant_id'),
    ('inner', 'feat_card_category_history', 'card_id, category_key'),
    ('left outer', 'feat_card_city_history', 'card_id, visited_city'),
    ('left outer', 'feat_peer_history', 'currency, category_key, department_key, grade_key'),
] %}
with

transactions as (
    select
        -- as numbers these come from feat_transaction_moment
        * exclude (is_weekend, is_holiday, is_on_leave, is_on_trip),
        -- of what is no purchase no amount is compared on its logarithm
        case when is_purchase then log_amount::double end as purchase_log_amount,
        case when has_time then {{ angle_of_day('authorized_at') }} end as time_angle,
        coalesce(category, 'unknown') as category_key,
        coalesce(department_id, 'unknown') as department_key,
        coalesce(grade, 'unknown') as grade_key,
        -- the city that the card was in; a condition on one side alone has no place in a left join
        case
            when is_purchase and coalesce(entry_mode, 'unknown') <> 'online' then merchant_city
        end as visited_city
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date') }}
),

-- the days that are built: a hash table of all history would be made of them otherwise
{% for _, table, _ in pasts %}
    {{ table }} as (
        select * from {{ ref(table) }}
        where {{ in_build_window('transaction_date') }}
    ),
{% endfor %}

{% for subject, key in {
    'merchant': 'merchant_id', 'category': 'category_key', 'department': 'department_id',
    'approver': 'approver_id',
}.items() %}
    {{ subject }}_decisions as (
        select
            transaction_date,
            {% for figure in [
                'misuse_rate_1d', 'misuse_rate_7d', 'misuse_rate_14d', 'misuse_rate_30d',
                'misuse_rate_90d', 'decided_count_30d', 'decided_count_90d', 'misuse_count_30d',
                'days_since_misuse',
            ] %}
                {{ figure }} as {{ subject }}_{{ figure }},
            {% endfor %}
            subject_id as {{ key }}
        from {{ ref('feat_decision_history') }}
        where
            {{ in_build_window('transaction_date') }}
            and subject = '{{ subject }}'
    ),
{% endfor %}

joined as (
    -- every column but for the keys has a name of its own
    select *  -- noqa: RF02
    from transactions
    {% for kind, table, keys in pasts %}
        {{ kind }} join {{ table }} using (transaction_date, {{ keys }})
    {% endfor %}
    inner join merchant_decisions using (transaction_date, merchant_id)
    inner join category_decisions using (transaction_date, category_key)
    left outer join department_decisions using (transaction_date, department_id)
    left outer join approver_decisions using (transaction_date, approver_id)
),

final as (  -- noqa: disable=LT09
    select
        -- context
        transaction_id, transaction_date, authorized_at, card_id, card_status, employee_id,
        department_id, grade, approver_id, merchant_id, merchant_name, merchant_keyword,
        merchant_city, merchant_country, merchant_type, merchant_tax_status, merchant_closed_on,
        mcc, category, category_policy, entry_mode, currency, status, is_purchase,
        single_limit::double as single_limit, monthly_limit::double as monthly_limit, absence_kind,
        trip_city, is_meal, is_goods, is_ride, is_booked, is_debited, is_office_service,

        -- amount
        amount::double as amount, amount_to_single_limit, amount_trailing_zeros, amount_is_round,
        amount / card_amount_mean_30d as card_amount_ratio_30d,
        amount / card_amount_mean_90d as card_amount_ratio_90d,
        amount / card_amount_max_90d as card_amount_to_max_90d,
        amount / card_baseline_amount_mean as card_amount_to_baseline,
        {{ deviation_from_baseline('amount') }} as card_amount_deviation_from_baseline,
        (purchase_log_amount - card_log_amount_mean_90d) / (card_log_amount_std_90d + 0.1)
            as card_amount_z_90d,
        -- a normal distribution has its quartiles 1.349 standard deviations apart
        (purchase_log_amount - card_log_amount_median_90d)
        / (card_log_amount_quartile_range_90d / 1.349 + 0.1) as card_amount_robust_z_90d,
        amount / card_category_amount_mean_90d as card_category_amount_ratio_90d,
        amount / employee_amount_mean_90d as employee_amount_ratio_90d,
        amount / employee_merchant_amount_mean_90d as employee_merchant_amount_ratio_90d,
        amount / department_amount_mean_90d as department_amount_ratio_90d,
        amount / merchant_amount_mean_30d as merchant_amount_ratio_30d,
        (amount - merchant_amount_mean_90d)
        / (merchant_amount_std_90d + 0.01 * merchant_amount_mean_90d)
            as merchant_amount_deviation_90d,
        exp(purchase_log_amount - peer_log_amount_mean_90d) as peer_amount_ratio_90d,
        (purchase_log_amount - peer_log_amount_mean_90d) / (peer_log_amount_std_90d + 0.1)
            as peer_amount_z_90d,
        case when is_purchase then peer_txn_count_90d end as peer_txn_count_90d,

        -- time
        hour_of_day, is_night,
        card_time_concentration_90d * (1 - cos(time_angle - card_time_angle_90d))
            as card_time_surprise_90d,
        -- greatest() and least() would pass over a null
        case
            when time_angle - card_time_angle_90d is not null
                then
                    12 / pi()
                    * acos(greatest(-1, least(1, cos(time_angle - card_time_angle_90d))))
        end as card_hours_from_usual_90d,
        day_of_week, days_to_month_end, is_weekend, is_holiday, is_day_off, is_on_leave,
        is_on_trip, is_outside_trip_city, employee_days_since_hired, employee_days_since_left,
        employee_days_until_left, employee_days_since_reported, card_days_since_limit_reported,
        card_days_since_expired,

        -- the place
        employee_kilometres_from_home, card_hours_since_position, card_kilometres_since_position,
        -- a minute at least, or the shop next door would be a flight
        card_kilometres_since_position / greatest(card_hours_since_position, 1.0 / 60)
            as card_kilometres_per_hour,
        card_city_txn_count_90d, card_days_since_city,

        -- whom the card meets
        {% for figure in ['card_meeting_count_30m', 'card_pair_meeting_days_90d'] -%}
            case
                when
                    has_time
                    and is_purchase
                    and merchant_txn_count_30m <= {{ var('meeting_crowd') }}
                    then coalesce({{ figure }}, 0)
            end as {{ figure }},
        {% endfor %}

        -- the card's pace
        card_txn_count_10m, card_txn_count_15m, card_txn_count_30m, card_txn_count_1h,
        card_txn_count_1d, card_txn_count_7d, card_txn_count_14d, card_txn_count_30d,
        card_txn_count_90d, card_txn_count_365d, card_decline_count_7d,
        card_txn_count_1d / nullif(card_txn_count_30d / 30, 0) as card_pace_ratio_1d,
        card_txn_count_7d / nullif(card_txn_count_90d * 7 / 90, 0) as card_pace_ratio_7d,
        card_hours_since_purchase, card_days_since_active, card_pause_days_7d,
        card_merchant_count_30d, card_merchant_count_90d, card_merchant_concentration_90d,
        employee_txn_count_1h, employee_txn_count_1d, employee_txn_count_7d,
        employee_txn_count_30d, employee_txn_count_90d, employee_txn_count_365d,
        employee_days_since_active, employee_merchant_count_30d, employee_merchant_count_90d,
        employee_merchant_concentration_90d, department_txn_count_7d, department_txn_count_30d,
        department_txn_count_90d,

        -- the card's spending
        card_amount_mean_15m, card_amount_mean_30m, card_amount_mean_1h, card_amount_mean_1d,
        card_amount_mean_7d, card_amount_mean_14d, card_amount_mean_30d, card_amount_mean_90d,
        card_amount_mean_365d, card_amount_sum_10m, card_amount_sum_1h, card_amount_sum_1d,
        card_amount_sum_7d, card_amount_sum_30d, card_amount_sum_90d, card_amount_sum_365d,
        card_amount_max_7d, card_amount_max_30d, card_amount_max_90d, card_amount_max_365d,
        card_amount_std_30d, card_amount_std_90d, card_amount_std_365d, card_round_share_90d,
        card_amount_mean_7d / card_amount_mean_90d as card_amount_shift_7d,
        card_amount_max_7d / card_amount_mean_90d as card_amount_peak_7d,
        card_baseline_amount_mean,
        card_amount_max_14d / card_baseline_amount_mean as card_amount_peak_14d,
        card_amount_mean_1d / card_baseline_amount_mean as card_amount_shift_1d,
        employee_amount_sum_1d, employee_amount_sum_7d, employee_amount_sum_30d,
        employee_amount_sum_90d, employee_amount_sum_365d, employee_amount_mean_30d,
        employee_amount_mean_90d, employee_amount_mean_365d, employee_amount_max_30d,
        employee_amount_max_90d, employee_amount_std_90d, department_amount_sum_7d,
        department_amount_sum_30d, department_amount_sum_90d, department_amount_mean_30d,
        department_amount_mean_90d, department_amount_max_90d, department_amount_std_90d,
        card_near_limit_count_30d, card_near_limit_count_today,
        card_amount_sum_month_until_today + card_amount_sum_today as card_amount_sum_month,
        (card_amount_sum_month_until_today + card_amount_sum_today + greatest(amount, 0))
        / nullif(monthly_limit, 0) as card_month_to_monthly_limit,
        card_cash_like_amount_sum_30d, card_cash_like_amount_sum_today,

        -- the merchant
        merchant_txn_count_10m, merchant_txn_count_15m, merchant_txn_count_30m,
        merchant_txn_count_1h, merchant_txn_count_1d, merchant_txn_count_7d,
        merchant_txn_count_14d, merchant_txn_count_30d, merchant_txn_count_90d,
        merchant_txn_count_365d, merchant_days_since_active, merchant_card_count_30d,
        merchant_card_count_90d, merchant_card_concentration_90d,
        card_merchant_txn_count_90d / nullif(merchant_txn_count_90d, 0) as merchant_card_share_90d,
        merchant_amount_mean_15m, merchant_amount_mean_30m, merchant_amount_mean_1h,
        merchant_amount_mean_1d, merchant_amount_mean_30d, merchant_amount_mean_90d,
        merchant_amount_max_90d, merchant_amount_std_90d, merchant_misuse_rate_1d,
        merchant_misuse_rate_7d, merchant_misuse_rate_14d, merchant_misuse_rate_30d,
        merchant_misuse_rate_90d, merchant_decided_count_30d, merchant_misuse_count_30d,
        merchant_days_since_misuse,
        coalesce(merchant_misuse_run_90d, 0) as merchant_misuse_run_90d,
        merchant_days_since_misuse_run, merchant_days_since_innocent,

        -- what was decided elsewhere
        category_misuse_rate_90d, category_decided_count_90d, department_misuse_rate_90d,
        department_decided_count_90d, approver_misuse_rate_90d, approver_decided_count_90d,

        -- the card and the merchant, the card and the category
        card_merchant_txn_count_1d, card_merchant_amount_sum_1d, card_merchant_txn_count_3d,
        card_merchant_amount_sum_3d,
        -- several bills that are each below the limit, and more than it together
        case
            when
                is_purchase
                and amount < single_limit
                and card_merchant_amount_max_3d < single_limit
                then (card_merchant_amount_sum_3d + amount) / single_limit
        end as card_split_to_single_limit_3d,
        card_merchant_same_amount_count_3d, merchant_same_amount_count_3d,
        approver_merchant_txn_count_3d, approver_merchant_amount_sum_3d,
        card_merchant_txn_count_90d, card_days_since_merchant, employee_merchant_txn_count_30d,
        employee_merchant_txn_count_90d, employee_merchant_txn_count_365d,
        employee_merchant_amount_sum_30d, employee_merchant_amount_sum_90d,
        employee_merchant_amount_sum_365d, employee_merchant_amount_mean_90d,
        employee_merchant_amount_max_90d, employee_days_since_merchant,
        card_category_txn_count_30d, card_category_txn_count_90d, card_category_txn_count_365d,
        card_category_amount_sum_30d, card_category_amount_sum_90d, card_category_amount_mean_90d,
        card_category_amount_max_90d, card_category_amount_std_90d,
        card_category_txn_count_90d / nullif(card_txn_count_90d, 0) as card_category_share_90d,
        card_days_since_category,

        -- what the last week changed in the habits of holder and merchant
        employee_category_shift_7d, employee_amount_shift_7d, merchant_amount_shift_7d,
        merchant_card_shift_7d
    from joined
)

select * from final
