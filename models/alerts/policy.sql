-- Grain: one row: the version of the settings that decide which cases find a seat.
with

settings as (
    select
        concat_ws(
            '|', 'budget', valid_from, cases_per_day, novelty_share, audit_share,
            audit_uniform_share, second_review_share
        ) as setting
    from {{ ref('review_budget') }}
    union all
    select concat_ws('|', 'quota', scope, scope_value, max_share) as setting
    from {{ ref('review_quotas') }}
    union all
    select
        concat_ws('|', 'silence', silence_id, scope, scope_value, valid_from, expires_on)
            as setting
    from {{ ref('silences') }}
    union all
    select concat_ws('|', 'weight', component, weight) as setting
    from {{ ref('risk_weights') }}
    union all
    select
        concat_ws(
            '|', 'currency', currency, recovery_rate, deterrence_value, review_cost, annoyance_cost
        ) as setting
    from {{ ref('currencies') }}
    union all
    select
        concat_ws(
            '|', 'grouping', {{ var('novelty_tail_from') }}, {{ var('doubtful_risk_from') }},
            {{ var('case_growth_days') }}, {{ var('common_cause_employees') }},
            {{ var('common_cause_file_share') }}
        ) as setting
),

final as (
    select substr(md5(string_agg(setting, ';' order by setting)), 1, 8) as policy_version
    from settings
)

select * from final
