{{ config(unique_key='approved_on') }}
-- Grain: one row per approval whose purchase was sent as well, as when a card company reports an
-- approval at once and the purchase days later with the statement. They are one transaction: the
-- same card, amount and currency, at most approval_days apart, and one approval number where both
-- have one.
{% set same = ['card_id', 'amount', 'currency'] %}
with

versions as (
    {{ latest_versions(
        ref('stg_card_transactions'), 'transaction_id', 'authorized_at',
        lookback=2 * var('approval_days'),
        where="card_id in (select card_id from " ~ ref('stg_card_transactions')
            ~ " where record_kind = 'approval')"
    ) }}
),

records as (
    select
        transaction_id,
        card_id,
        amount,
        currency,
        approval_no,
        authorized_at,
        authorized_at::date as day,
        coalesce(record_kind = 'approval', false) as is_approval
    from versions
    where
        coalesce(record_kind, 'purchase') in ('approval', 'purchase')
        and status <> 'declined'
),

numbered as (
    select * from records
    where approval_no is not null
),

by_number as (
    {{ nearest_approvals('numbered', same + ['approval_no']) }}
),

-- of the days before these not all that could match is read
others as (
    select * from records
    where
        transaction_id not in (select approval_id from by_number)
        and transaction_id not in (select purchase_id from by_number)
        and {{ in_changed_days('day', lookback=var('approval_days')) }}
),

by_amount as (
    {{ nearest_approvals('others', same) }}
),

final as (
    select * from by_number
    union all
    select * from by_amount
)

select
    approval_id,
    purchase_id,
    approved_on
from final
where {{ in_changed_days('approved_on') }}
