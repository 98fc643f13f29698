-- Grain: one row per purchase: what detectors see of it, which is its features and nothing else:
-- whatever feat_transaction has under its contract, less the context but
-- for the category, which is the segment that detectors are compared in.
with

final as (
    select
        * exclude (
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
            merchant_type,
            merchant_tax_status,
            merchant_closed_on,
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
            is_meal,
            is_goods,
            is_ride,
            is_booked,
            is_debited,
            is_office_service
        ),
        category as segment
    from {{ ref('feat_transaction') }}
    where is_purchase
)

select * from final  -- noqa: AM04
