-- Grain: one row per purchase in person far from the holder's home without a trip.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        amount,
        category,
        merchant_city,
        merchant_country,
        employee_kilometres_from_home,
        is_on_trip,
        is_on_leave
    from {{ ref('feat_transaction') }}
    where is_purchase
),

final as (
    select
        'time_place_008' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('time_place_008', 'minimum_amount') }}::double as threshold_value,
        {{ evidence([
            'employee_kilometres_from_home', 'merchant_city', 'merchant_country', 'category', 'amount',
        ]) }} as evidence
    from transactions
    where
        employee_kilometres_from_home
        > {{ rule_threshold('time_place_008', 'maximum_kilometres') }}
        and is_on_trip = 0
        -- purchases on leave have a rule of their own
        and coalesce(is_on_leave, 0) = 0
        and amount > {{ rule_threshold('time_place_008', 'minimum_amount') }}
)

select * from final
