-- Grain: one row per purchase by which a holder goes beyond the month's cap of a category. A
-- further category is one line more in `cap` and a true in category_natures.
with

transactions as (
    select
        transactions.transaction_id,
        transactions.authorized_at,
        transactions.amount,
        transactions.category,
        transactions.grade,
        coalesce(months.holder_category_amount_sum_month, 0) as holder_category_amount_sum_month,
        case transactions.category
            when 'taxi' then {{ rule_threshold('limit_evasion_009', 'taxi') }}
            when 'fuel' then {{ rule_threshold('limit_evasion_009', 'fuel') }}
            when 'bar' then {{ rule_threshold('limit_evasion_009', 'bar') }}
        end::double as cap
    from {{ ref('feat_transaction') }} as transactions
    left outer join {{ ref('feat_transaction_month') }} as months
        on
            transactions.transaction_date = months.transaction_date
            and transactions.transaction_id = months.transaction_id
    where transactions.is_purchase
),

final as (
    select
        'limit_evasion_009' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        holder_category_amount_sum_month + amount as observed_value,
        cap as threshold_value,
        {{ evidence(['category', 'holder_category_amount_sum_month', 'amount', 'grade']) }}
            as evidence
    from transactions
    where
        holder_category_amount_sum_month + amount > cap
        -- later purchases of the month say nothing new
        and holder_category_amount_sum_month <= cap
)

select * from final
