-- Grain: one row per issued alert, as it was shown, with the state of its case.
with

alerts as (
    select * from {{ source('ledger', 'alerts') }}
),

cases as (
    select
        case_id,
        state
    from {{ ref('cases') }}
),

final as (
    select
        alerts.alert_id,
        alerts.alert_date,
        alerts.place,
        alerts.lane,
        alerts.case_id,
        cases.state as case_state,
        alerts.subject_type,
        alerts.subject_id,
        alerts.transaction_id,
        alerts.occurred_at,
        alerts.card_id,
        alerts.employee_id,
        alerts.department_id,
        alerts.merchant_id,
        alerts.merchant_name,
        alerts.amount,
        alerts.currency,
        alerts.risk,
        alerts.expected_value,
        alerts.rules,
        alerts.sentence_en,
        alerts.sentence_ko,
        alerts.tree_probability,
        alerts.anomaly_score,
        alerts.tree_version,
        alerts.anomaly_versions,
        alerts.policy_version,
        alerts.issue_id
    from alerts
    inner join cases on alerts.case_id = cases.case_id
)

select * from final
