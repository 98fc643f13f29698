{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction with a known holder: sliding windows over all cards of the
-- employee, and over all employees with the same approver. A window of w seconds is [t - w, t).
with

transactions as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        {{ microsecond_number('authorized_at') }} as microsecond,
        has_time,
        employee_id,
        approver_id,
        merchant_id,
        case when is_purchase then amount_exact else 0 end as purchase_amount,
        case when is_purchase then 1 else 0 end as purchase
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date', lookback=3) }}
        and employee_id is not null
),

windowed as (
    select
        *,
        sum(purchase) over employee_1h as employee_txn_count_1h,
        sum(purchase) over employee_1d as employee_txn_count_1d,
        sum(purchase_amount) over employee_1d as employee_amount_sum_1d,
        sum(purchase) over approver_merchant_3d as approver_merchant_txn_count_3d,
        sum(purchase_amount) over approver_merchant_3d as approver_merchant_amount_sum_3d
    from transactions
    window
        employee_1h as (
            partition by employee_id order by microsecond
            range between {{ 3600 * 1000000 }} preceding and 1 preceding
        ),
        employee_1d as (
            partition by employee_id order by microsecond
            range between {{ 86400 * 1000000 }} preceding and 1 preceding
        ),
        approver_merchant_3d as (
            partition by approver_id, merchant_id order by microsecond
            range between {{ 3 * 86400 * 1000000 }} preceding and 1 preceding
        )
),

final as (
    select
        transaction_id,
        transaction_date,
        case when has_time then coalesce(employee_txn_count_1h, 0)::double end
            as employee_txn_count_1h,
        coalesce(employee_txn_count_1d, 0)::double as employee_txn_count_1d,
        coalesce(employee_amount_sum_1d, 0)::double as employee_amount_sum_1d,
        case
            when approver_id is not null then coalesce(approver_merchant_txn_count_3d, 0)::double
        end as approver_merchant_txn_count_3d,
        case
            when approver_id is not null then coalesce(approver_merchant_amount_sum_3d, 0)::double
        end as approver_merchant_amount_sum_3d
    from windowed
    where {{ in_build_window('transaction_date') }}
)

select * from final
