-- Grain: one row per claim for an overtime meal or ride home that was paid before overtime begins.
with

claims as (
    select
        claims.claim_id,
        claims.transaction_id,
        claims.submitted_at,
        claims.purpose,
        claims.account_code,
        claims.amount,
        overtimes.purchase_category,
        overtimes.purchased_at,
        overtimes.purchase_hour_of_day,
        overtimes.purchase_is_day_off,
        case
            when overtimes.purchase_category = 'taxi'
                then {{ rule_threshold('time_place_004', 'taxi_from_hour') }}
            else {{ rule_threshold('time_place_004', 'meal_from_hour') }}
        end::double as from_hour
    from {{ ref('feat_claim') }} as claims
    inner join {{ ref('feat_claim_overtime') }} as overtimes
        on
            claims.submitted_on = overtimes.submitted_on
            and claims.claim_id = overtimes.claim_id
),

final as (
    select
        'time_place_004' as rule_id,
        'claim' as subject_type,
        claim_id as subject_id,
        transaction_id,
        submitted_at as occurred_at,
        purchase_hour_of_day as observed_value,
        from_hour as threshold_value,
        {{ evidence(['purchased_at', 'purchase_category', 'purpose', 'account_code', 'amount']) }}
            as evidence
    from claims
    where
        purchase_hour_of_day < from_hour
        -- until then it is still the night before
        and purchase_hour_of_day >= {{ rule_threshold('time_place_004', 'night_until_hour') }}
        -- on a day off work is overtime at any hour
        and purchase_is_day_off = 0
)

select * from final
