-- Grain: one row per purchase at a restaurant whose name or hours are those of a bar.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category,
        transactions.merchant_name,
        disguises.bar_keyword,
        disguises.merchant_usual_hour_365d,
        disguises.merchant_ticket_mean_365d
    from {{ ref('feat_transaction') }} as transactions
    inner join {{ ref('feat_merchant_disguise') }} as disguises
        on
            transactions.transaction_date = disguises.transaction_date
            and transactions.transaction_id = disguises.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'merchant_003' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        amount as observed_value,
        {{ rule_threshold('merchant_003', 'minimum_amount') }}::double as threshold_value,
        {{ evidence([
            'merchant_name', 'bar_keyword', 'merchant_usual_hour_365d',
            'merchant_ticket_mean_365d', 'amount',
        ]) }} as evidence
    from transactions
    where
        category = 'restaurant'
        and amount > {{ rule_threshold('merchant_003', 'minimum_amount') }}
        and (
            bar_keyword is not null
            or (
                merchant_usual_hour_365d >= {{ rule_threshold('merchant_003', 'from_hour') }}
                and merchant_ticket_mean_365d
                > {{ rule_threshold('merchant_003', 'minimum_ticket') }}
            )
        )
)

select * from final
