-- Grain: one row per landed purchase. The council publishes neither time of day nor merchant
-- category code, cardholder or outcome: those columns stay null, what needs them is not evaluated.
with

landed as (
    select * from {{ source('birmingham', 'purchases') }}
),

final as (
    select
        _key as transaction_id,
        'card_ending_' || right(card_number_masked, 4) as card_id,
        trans_date::timestamp as authorized_at,
        'day' as authorized_precision,
        md5(lower(trim(merchant_name))) as merchant_id,
        trim(merchant_name) as merchant_name,
        'GB' as merchant_country,
        account_desc as category,
        -- a purchase abroad has its amount in pounds only in the billing column
        coalesce(billing_gross_amt, gross_amt) as amount,
        'GBP' as currency,
        'purchase' as record_kind,
        'approved' as status,
        _load_id as load_id,
        _line as load_line
    from landed
)

select * from final
