-- Grain: one row per row of a feed that is planted, complete as the feed would bring it. What a
-- canary does not say is as on the purchase from which its place was drawn. A canary of which a
-- part lies behind the last day is left out.
with

planted as (
    select * from {{ ref('canary_limit_evasion') }}
    union all by name
    select * from {{ ref('canary_cash_like') }}
    union all by name
    select * from {{ ref('canary_time_place_when') }}
    union all by name
    select * from {{ ref('canary_time_place_where') }}
    union all by name
    select * from {{ ref('canary_card_behaviour_use') }}
    union all by name
    select * from {{ ref('canary_card_behaviour_spending') }}
    union all by name
    select * from {{ ref('canary_merchant') }}
    union all by name
    select * from {{ ref('canary_claims_twice') }}
    union all by name
    select * from {{ ref('canary_claims_policy') }}
),

places as (
    select * from {{ ref('canary_places') }}
    where step = 1
),

final as (
    select
        planted.canary_id,
        places.rule_id,
        planted.feed,
        planted.step,
        case
            when planted.feed = 'card_transactions' then planted.canary_id || '_' || planted.step
            else planted.transaction_id
        end as transaction_id,
        planted.canary_id || '_claim_' || planted.step as claim_id,
        coalesce(planted.card_id, places.card_id) as card_id,
        case
            when planted.feed <> 'card_transactions' or planted.employee_id is not null
                then planted.employee_id
            when coalesce(planted.card_id, places.card_id) = places.card_id
                then places.employee_id
            when planted.card_id = places.colleague_card_id then places.colleague_id
        end as employee_id,
        planted.authorized_at,
        'second' as authorized_precision,
        coalesce(planted.merchant_id, places.merchant_id) as merchant_id,
        case
            when planted.merchant_name is not null then planted.merchant_name
            when planted.merchant_id is not null then planted.merchant_id
            else places.merchant_name
        end as merchant_name,
        planted.merchant_registration_no,
        coalesce(planted.merchant_city, places.merchant_city) as merchant_city,
        places.merchant_country,
        planted.merchant_type,
        planted.merchant_tax_status,
        planted.merchant_closed_on,
        coalesce(planted.latitude, places.latitude) as latitude,
        coalesce(planted.longitude, places.longitude) as longitude,
        coalesce(planted.mcc, places.mcc) as mcc,
        case when planted.mcc is null then places.category end as category,
        coalesce(planted.entry_mode, 'chip') as entry_mode,
        planted.amount,
        places.currency,
        case
            when planted.status is not null then planted.status
            when planted.feed = 'card_transactions' then 'approved'
        end as status,
        planted.original_transaction_id,
        planted.submitted_at,
        planted.account_code,
        planted.purpose,
        planted.attendees,
        planted.receipt_no,
        planted.approver_id,
        planted.approved_at,
        planted.payment,
        planted.valid_from,
        planted.single_limit,
        planted.monthly_limit,
        planted.department_id,
        planted.grade,
        planted.hired_on,
        planted.left_on,
        planted.starts_at,
        planted.ends_at,
        planted.city,
        planted.kind,
        planted.misuse,
        planted.decided_at,
        coalesce(
            planted.authorized_at, planted.submitted_at, planted.decided_at, planted.starts_at,
            planted.valid_from
        ) as planted_at
    from planted
    inner join places on planted.canary_id = places.canary_id
    where planted.canary_id not in (
        select late.canary_id
        from planted as late
        where
            coalesce(late.authorized_at, late.submitted_at)::date
            > (select max(last_date) from places)
            -- no such day in these weeks
            or (late.feed = 'card_transactions' and late.authorized_at is null)
    )
)

select * from final
