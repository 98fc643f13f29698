{{ config(unique_key='transaction_date') }}
-- Grain: one row per subject (merchant, category, department, approver) and day with a transaction
-- of it: what was decided about it on the days before, whenever the purchases were made. Nothing
-- that was not known on that morning.
with

active as (
    select
        'merchant' as subject,
        merchant_id as subject_id,
        transaction_date
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date') }}
    union
    select
        'category' as subject,
        coalesce(category, 'unknown') as subject_id,
        transaction_date
    from {{ ref('int_transactions') }}
    where {{ in_build_window('transaction_date') }}
    union
    select
        'department' as subject,
        department_id as subject_id,
        transaction_date
    from {{ ref('int_transactions') }}
    where
        department_id is not null
        and {{ in_build_window('transaction_date') }}
    union
    select
        'approver' as subject,
        approver_id as subject_id,
        transaction_date
    from {{ ref('int_transactions') }}
    where
        approver_id is not null
        and {{ in_build_window('transaction_date') }}
),

days as (
    select
        subject,
        subject_id,
        decided_on as transaction_date,
        decided_count,
        misuse_count,
        false as is_active
    from {{ ref('feat_decision_daily') }}
    where {{ in_build_window('decided_on', lookback=90) }}
    union all
    select
        subject,
        subject_id,
        transaction_date,
        0 as decided_count,
        0 as misuse_count,
        true as is_active
    from active
),

daily as (
    select
        subject,
        subject_id,
        transaction_date,
        {{ day_number('transaction_date') }} as day,
        sum(decided_count)::bigint as decided_count,
        sum(misuse_count)::bigint as misuse_count,
        bool_or(is_active) as is_active
    from days
    group by subject, subject_id, transaction_date
),

windowed as (
    select
        subject,
        subject_id,
        transaction_date,
        day,
        is_active,
        sum(decided_count) over last_1d as decided_count_1d,
        sum(misuse_count) over last_1d as misuse_count_1d,
        sum(decided_count) over last_7d as decided_count_7d,
        sum(misuse_count) over last_7d as misuse_count_7d,
        sum(decided_count) over last_14d as decided_count_14d,
        sum(misuse_count) over last_14d as misuse_count_14d,
        sum(decided_count) over last_30d as decided_count_30d,
        sum(misuse_count) over last_30d as misuse_count_30d,
        sum(decided_count) over last_90d as decided_count_90d,
        sum(misuse_count) over last_90d as misuse_count_90d,
        max(case when misuse_count > 0 then day end) over last_90d as last_misuse_day
    from daily
    window
        last_1d as (
            partition by subject, subject_id order by day
            range between 1 preceding and 1 preceding
        ),
        last_7d as (
            partition by subject, subject_id order by day
            range between 7 preceding and 1 preceding
        ),
        last_14d as (
            partition by subject, subject_id order by day
            range between 14 preceding and 1 preceding
        ),
        last_30d as (
            partition by subject, subject_id order by day
            range between 30 preceding and 1 preceding
        ),
        last_90d as (
            partition by subject, subject_id order by day
            range between 90 preceding and 1 preceding
        )
),

final as (
    select
        subject,
        subject_id,
        transaction_date,
        {{ misuse_rate('misuse_count_1d', 'decided_count_1d') }} as misuse_rate_1d,
        {{ misuse_rate('misuse_count_7d', 'decided_count_7d') }} as misuse_rate_7d,
        {{ misuse_rate('misuse_count_14d', 'decided_count_14d') }} as misuse_rate_14d,
        {{ misuse_rate('misuse_count_30d', 'decided_count_30d') }} as misuse_rate_30d,
        {{ misuse_rate('misuse_count_90d', 'decided_count_90d') }} as misuse_rate_90d,
        coalesce(decided_count_30d, 0)::double as decided_count_30d,
        coalesce(misuse_count_30d, 0)::double as misuse_count_30d,
        coalesce(decided_count_90d, 0)::double as decided_count_90d,
        (day - last_misuse_day)::double as days_since_misuse
    from windowed
    where
        is_active
        and {{ in_build_window('transaction_date') }}
)

select * from final
