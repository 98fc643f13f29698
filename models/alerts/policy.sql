-- Grain: one row: the version of the settings that decide which cases find a seat.
with

settings as (
    select concat_ws('|', 'budget', valid_from, alerts_per_day, audit_share) as setting
    from {{ ref('review_budget') }}
    union all
    select concat_ws('|', 'weight', component, weight) as setting
    from {{ ref('risk_weights') }}
    union all
    select
        concat_ws('|', 'currency', currency, recovery_rate, review_cost, annoyance_cost)
            as setting
    from {{ ref('currencies') }}
),

final as (
    select substr(md5(string_agg(setting, ';' order by setting)), 1, 8) as policy_version
    from settings
)

select * from final
