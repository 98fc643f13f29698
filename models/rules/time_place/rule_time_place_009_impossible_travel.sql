-- Grain: one row per purchase with the card itself, sooner after the one before it than anybody can
-- have come from there by land. Farther away are other clocks and flights, which hours do not tell.
with

transactions as (
    select
        transaction_id,
        authorized_at,
        entry_mode,
        merchant_city,
        card_hours_since_position,
        card_kilometres_since_position,
        card_kilometres_since_position / {{ rule_threshold('time_place_009', 'maximum_speed') }}
            as hours_needed
    from {{ ref('feat_transaction') }}
    where
        is_purchase
        -- a number typed in can be used from anywhere
        and coalesce(entry_mode, 'unknown') <> 'manual'
),

final as (
    select
        'time_place_009' as rule_id,
        'transaction' as subject_type,
        transaction_id as subject_id,
        transaction_id,
        authorized_at as occurred_at,
        card_hours_since_position as observed_value,
        hours_needed as threshold_value,
        {{ evidence([
            'card_kilometres_since_position', 'card_hours_since_position', 'merchant_city',
            'entry_mode',
        ]) }} as evidence
    from transactions
    where
        card_hours_since_position < hours_needed
        and card_kilometres_since_position
        <= {{ rule_threshold('time_place_009', 'maximum_kilometres') }}
        -- positions of merchants are not exact
        and card_kilometres_since_position
        >= {{ rule_threshold('time_place_009', 'minimum_kilometres') }}
)

select * from final
