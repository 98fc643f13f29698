{{ config(unique_key='transaction_date') }}
-- Grain: one row per transaction at a merchant whose purchases were found to be misuse one after
-- the other, as far as was decided before the moment of the transaction. Anything found innocent
-- ends the run. Looks back 90 times 24 hours.
with

decisions as (
    select * from {{ ref('feat_merchant_decision') }}
    -- 90 days for the transaction, and 90 more for the earliest decision that it looks at
    where {{ in_build_window('decided_on', lookback=180) }}
),

-- only these can have a run
merchants as (
    select distinct merchant_id from decisions
    where misuse
),

compared as (
    select
        merchant_id,
        available_at,
        purchased_at,
        misuse,
        sum(case when misuse then 1 else 0 end) over (
            partition by merchant_id order by available_at
            range between unbounded preceding and current row
        ) as misuse_until,
        -- of misuse decided at one moment the earliest purchase
        min(case when misuse then purchased_at end) over (partition by merchant_id, available_at)
            as first_purchased_at,
        max(case when misuse then available_at end) over before as misuse_before,
        max(case when not misuse then available_at end) over before as innocent_before
    from decisions
    where merchant_id in (select merchant_id from merchants)
    window before as (
        partition by merchant_id order by {{ microsecond_number('available_at') }}
        range between {{ 90 * 86400 * 1000000 }} preceding and 1 preceding
    )
),

events as (
    select
        merchant_id,
        available_at as happened_at,
        null::varchar as transaction_id,
        null::date as transaction_date,
        misuse,
        misuse_until,
        purchased_at,
        case
            when misuse and coalesce(misuse_before <= innocent_before, misuse_before is null)
                then first_purchased_at
        end as run_began_at
    from compared
    union all
    select
        merchant_id,
        authorized_at as happened_at,
        transaction_id,
        transaction_date,
        null::boolean as misuse,
        null::bigint as misuse_until,
        null::timestamp as purchased_at,
        null::timestamp as run_began_at
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date') }}
        and merchant_id in (select merchant_id from merchants)
),

windowed as (
    select
        transaction_id,
        transaction_date,
        happened_at,
        sum(case when misuse then 1 else 0 end) over last_90d as misuse_count,
        max(misuse_until) over last_90d as misuse_until_now,
        max(case when not misuse then misuse_until end) over last_90d as misuse_until_innocent,
        max_by(run_began_at, case when run_began_at is not null then happened_at end) over last_90d
            as run_began_at,
        max(case when not misuse then purchased_at end) over last_90d as innocent_at
    from events
    window last_90d as (
        partition by merchant_id order by {{ microsecond_number('happened_at') }}
        range between {{ 90 * 86400 * 1000000 }} preceding and 1 preceding
    )
),

final as (
    select
        transaction_id,
        transaction_date,
        coalesce(misuse_until_now - misuse_until_innocent, misuse_count)::double
            as merchant_misuse_run_90d,
        {{ hours_between('run_began_at', 'happened_at') }} / 24 as merchant_days_since_misuse_run,
        {{ hours_between('innocent_at', 'happened_at') }} / 24 as merchant_days_since_innocent
    from windowed
    where
        transaction_id is not null
        and coalesce(misuse_until_now - misuse_until_innocent, misuse_count) > 0
)

select * from final
