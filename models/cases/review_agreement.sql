{{ config(contract={'enforced': true}, access='public') }}
-- Grain: one row: how far two people who review the same case without knowing of each other agree
-- (Cohen's kappa), on misuse, innocent or inconclusive. The first decision of each on the case
-- counts, and only of pairs of which both are decided, so that nothing here tells the second what
-- the first said. What is reviewed again because the audit found misuse was not drawn by chance and
-- is left out.
with

decisions as (
    select
        case_id,
        case event
            when 'recovery_ordered' then 'misuse'
            when 'cleared' then 'innocent'
            else 'inconclusive'
        end as verdict,
        row_number() over (partition by case_id order by event_number) as decision_number
    from {{ ref('case_events') }}
    where
        is_accepted
        and transaction_id is null
        and event in ('cleared', 'inconclusive', 'recovery_ordered')
),

pairs as (
    select
        originals.verdict as first_verdict,
        seconds.verdict as second_verdict
    from {{ source('ledger', 'alerts') }} as alerts
    inner join decisions as seconds
        on
            alerts.case_id = seconds.case_id
            and seconds.decision_number = 1
    inner join decisions as originals
        on
            alerts.second_of = originals.case_id
            and originals.decision_number = 1
    inner join {{ source('ledger', 'alerts') }} as reviewed on alerts.second_of = reviewed.case_id
    where reviewed.lane <> 'audit'
),

counted as (
    select
        count(*) as pair_count,
        count(*) filter (where first_verdict = second_verdict) as agreed_count,
        count(*) filter (where first_verdict = 'misuse' and second_verdict = 'misuse')
            as both_misuse_count,
        count(*) filter (where first_verdict = 'innocent' and second_verdict = 'innocent')
            as both_innocent_count,
        count(*) filter (where first_verdict = 'misuse') as first_misuse_count,
        count(*) filter (where second_verdict = 'misuse') as second_misuse_count,
        count(*) filter (where first_verdict = 'innocent') as first_innocent_count,
        count(*) filter (where second_verdict = 'innocent') as second_innocent_count,
        count(*) filter (where first_verdict = 'inconclusive') as first_inconclusive_count,
        count(*) filter (where second_verdict = 'inconclusive') as second_inconclusive_count
    from pairs
),

shares as (
    select
        *,
        agreed_count / nullif(pair_count, 0) as observed_agreement,
        (
            first_misuse_count * second_misuse_count
            + first_innocent_count * second_innocent_count
            + first_inconclusive_count * second_inconclusive_count
        ) / nullif(pair_count * pair_count, 0) as expected_agreement
    from counted
),

final as (
    select
        pair_count::bigint as pair_count,
        agreed_count::bigint as agreed_count,
        both_misuse_count::bigint as both_misuse_count,
        both_innocent_count::bigint as both_innocent_count,
        first_misuse_count::bigint as first_misuse_count,
        second_misuse_count::bigint as second_misuse_count,
        first_innocent_count::bigint as first_innocent_count,
        second_innocent_count::bigint as second_innocent_count,
        first_inconclusive_count::bigint as first_inconclusive_count,
        second_inconclusive_count::bigint as second_inconclusive_count,
        observed_agreement::double as observed_agreement,
        expected_agreement::double as expected_agreement,
        -- where all say the same, chance would agree as well, and kappa says nothing
        (
            (observed_agreement - expected_agreement) / nullif(1 - expected_agreement, 0)
        )::double as kappa
    from shares
)

select * from final
