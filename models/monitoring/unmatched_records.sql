-- Grain: one row per month: approvals that no statement reported as a purchase, and purchases that
-- nobody approved, of cards whose approvals are sent. Approvals of the last approval_days may still
-- be purchased.
with

transactions as (
    select
        *,
        date_trunc('month', transaction_date)::date as month
    from {{ ref('int_transactions') }}
    where
        record_kind in ('approval', 'purchase')
        and status <> 'declined'
),

approved_cards as (
    select distinct card_id
    from transactions
    where record_kind = 'approval' or purchase_record_id is not null
),

final as (
    select
        month,
        count(*) filter (where purchase_record_id is not null) as matched_count,
        count(*) filter (
            where
            record_kind = 'approval'
            and transaction_date
            + {{ var('approval_days') }} <= (select built_until from {{ ref('build_window') }})
        ) as approvals_without_purchase,
        count(*) filter (where record_kind = 'purchase' and purchase_record_id is null)
            as purchases_without_approval
    from transactions
    where card_id in (select card_id from approved_cards)
    group by month
)

select * from final
