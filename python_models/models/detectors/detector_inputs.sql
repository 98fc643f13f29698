-- Grain: one row per purchase: what detectors see of it, which is its features and nothing else:
-- whatever feat_transaction has under its contract, less the context.
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
            merchant_id,
            merchant_name,
            merchant_keyword,
            mcc,
            category,
            category_policy,
            currency,
            status,
            is_purchase,
            single_limit,
            absence_kind
        )
    from {{ ref('feat_transaction') }}
    where is_purchase
)

select * from final  -- noqa: AM04
