{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase shortly after other cards at the same merchant: how many, and on how
-- many of the 90 days before the card met the one of them that it met most.
with

meetings as (
    select * from {{ ref('feat_card_pair_meeting') }}
    where {{ in_build_window('transaction_date') }}
),

pairs as (
    select distinct
        card_id,
        other_card_id
    from meetings
),

pair_days as (
    select distinct
        card_id,
        other_card_id,
        transaction_date
    from {{ ref('feat_card_pair_meeting') }}
    where
        {{ in_build_window('transaction_date', lookback=90) }}
        and row(card_id, other_card_id) in (select row(card_id, other_card_id) from pairs)
),

pair_histories as (
    select
        card_id,
        other_card_id,
        transaction_date,
        count(*) over (
            partition by card_id, other_card_id order by {{ day_number('transaction_date') }}
            range between 90 preceding and 1 preceding
        ) as meeting_days_90d
    from pair_days
),

final as (
    select
        meetings.transaction_id,
        meetings.transaction_date,
        count(*)::double as card_meeting_count_30m,
        max(pair_histories.meeting_days_90d)::double as card_pair_meeting_days_90d
    from meetings
    inner join pair_histories
        on
            meetings.card_id = pair_histories.card_id
            and meetings.other_card_id = pair_histories.other_card_id
            and meetings.transaction_date = pair_histories.transaction_date
    group by meetings.transaction_id, meetings.transaction_date
)

select * from final
