-- Grain: one row per purchase near the home of a holder who otherwise pays far from there: outside
-- working hours, or again and again within them.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category,
        transactions.is_ride,
        transactions.hour_of_day,
        transactions.is_day_off,
        transactions.employee_kilometres_from_home,
        homes.employee_home_kilometres_30d,
        homes.employee_kilometres_from_home_median_90d,
        case
            when
                transactions.is_day_off = 1
                or transactions.hour_of_day
                >= {{ rule_threshold('time_place_007', 'evening_from_hour') }}
                then {{ rule_threshold('time_place_007', 'minimum_purchases_off_hours') }}
            else {{ rule_threshold('time_place_007', 'minimum_purchases') }}
        end::double as purchases_to_ask,
        {{ rule_threshold('time_place_007', 'maximum_kilometres') }} as maximum_kilometres
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_transaction_home') }} as homes
        on
            transactions.transaction_date = homes.transaction_date
            and transactions.transaction_id = homes.transaction_id
),

counted as (
    select
        *,
        {{ count_below('employee_home_kilometres_30d', 'maximum_kilometres') }}::double
            as employee_home_txn_count_30d
    from transactions
),

final as (
    select
        'time_place_007' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        employee_home_txn_count_30d + 1 as observed_value,
        purchases_to_ask as threshold_value,
        {{ evidence([
            'employee_kilometres_from_home', 'employee_kilometres_from_home_median_90d',
            'employee_home_txn_count_30d', 'is_day_off', 'hour_of_day', 'amount', 'category',
        ]) }} as evidence
    from counted
    where
        employee_home_txn_count_30d + 1 >= purchases_to_ask
        and employee_kilometres_from_home < maximum_kilometres
        -- where work is near home too, a purchase there says nothing
        and employee_kilometres_from_home_median_90d
        > {{ rule_threshold('time_place_007', 'minimum_usual_kilometres') }}
        -- a ride home ends there
        and is_ride is not true
)

select * from final
