-- Grain: one row per landed version of an approval, a purchase, or a line of a bill.
with

landed as (
    select
        *,
        'approval' as record_kind
    from {{ source('korean_erp', 'approvals') }}

    union all by name

    select
        *,
        'purchase' as record_kind
    from {{ source('korean_erp', 'purchases') }}

    union all by name

    select
        *,
        'billing' as record_kind
    from {{ source('korean_erp', 'billings') }}
),

signed as (
    select
        *,
        case when georae_stat = '0' then -1 else 1 end as direction,
        georae_stat = '0' and georae_cand is not null as is_dated_cancellation
    from landed
),

final as (
    select
        _key as transaction_id,
        card_num as card_id,
        -- a cancellation carries the time of what it cancels
        case when is_dated_cancellation then georae_cand::timestamp else auth_date end
            as authorized_at,
        case when _has_time and not is_dated_cancellation then 'second' else 'day' end
            as authorized_precision,
        aqui_date::timestamp as posted_at,
        coalesce(merc_saup_no, merc_num, md5(lower(merc_name)), 'unknown') as merchant_id,
        merc_name as merchant_name,
        merc_saup_no as merchant_registration_no,
        case when vat_stat <> '0' then 'KR' end as merchant_country,
        case lpad(mcc_stat, 2, '0')
            when '00' then 'general'
            when '01' then 'entertainment'
            when '02' then 'airline'
            when '03' then 'rail'
            when '04' then 'ship_or_bus'
            when '05' then 'other_transport'
            when '06' then 'payment_gateway'
            when '07' then 'farm_or_fish'
            when '08' then 'public'
            when '09' then 'duty_free'
            when '10' then 'car_upkeep'
            when '99' then 'other'
        end as merchant_type,
        case vat_stat
            when '0' then 'overseas'
            when '1' then 'general'
            when '2' then 'simplified'
            when '3' then 'exempt'
            when '4' then 'suspended'
            when '5' then 'closed'
            when '6' then 'nonprofit'
            when '7' then 'other'
            when '8' then 'unregistered'
        end as merchant_tax_status,
        can_date as merchant_closed_on,
        mcc_name as category,
        direction * request_amount as amount,
        'KRW' as currency,
        direction * nullif(for_amount, 0) as original_amount,
        case when for_amount <> 0 then georae_gukga end as original_currency,
        direction * nullif(vat_amount, 0) as tax_amount,
        auth_num as approval_no,
        record_kind,
        case
            when georae_stat = '0' and record_kind = 'approval'
                then {{ key_of('korean_erp', [
                    'card_num', 'auth_date', 'auth_num', "'1'", 'request_amount',
                    "coalesce(for_amount::varchar, '')"
                ]) }}
            when georae_stat = '0'
                then {{ key_of('korean_erp', [
                    'card_num', 'auth_date', 'auth_num', "'1'", 'request_amount', 'org_coll'
                ]) }}
        end as original_transaction_id,
        'approved' as status,
        _load_id as load_id,
        _line as load_line
    from signed
)

select * from final
