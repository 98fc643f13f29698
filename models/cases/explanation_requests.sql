{{ config(contract={'enforced': true}, access='public') }}
-- Grain: one row per open case and person whose expenses are in it: what they would be asked, in
-- both languages. It names their purchases, what the question is about and what to send, and no
-- suspicion, no score and no expense of a colleague.
with

cases as (
    select
        cases.case_id,
        coalesce(cases.second_of, cases.case_id) as first_case_id,
        cases.state,
        cases.due_on,
        cases.employee_id,
        substr(cases.case_id, 1, 8) as reference
    from {{ ref('cases') }} as cases
    where cases.is_open
),

-- the time for an answer, if it is asked for on the last day that was built
asked_today as (
    select due_days.day as due_on
    from {{ ref('build_window') }} as build_window
    inner join {{ ref('working_days') }} as today on build_window.built_until = today.day
    inner join {{ ref('case_deadlines') }} as case_deadlines
        on case_deadlines.state = 'explanation_requested'
    inner join {{ ref('working_days') }} as due_days
        on
            due_days.is_working_day
            and today.working_day_number + case_deadlines.working_days
            = due_days.working_day_number
),

-- what is nobody's is asked of whom the case is about
owned as (
    select
        members.* exclude (employee_id),
        coalesce(members.employee_id, cases.employee_id) as employee_id
    from {{ ref('case_members') }} as members
    inner join cases on members.case_id = cases.case_id
    where members.is_counted
),

expenses as (
    select
        case_id,
        employee_id,
        subject_type,
        occurred_at,
        has_time,
        merchant_name,
        amount,
        'currency' as unit,
        currency,
        row_number() over (
            partition by case_id, employee_id order by occurred_at asc, subject_id asc
        ) as place
    from owned
),

lines as (
    select
        case_id,
        employee_id,
        place,
        occurred_at,
        case
            when subject_type = 'transaction' and has_time
                then strftime(occurred_at, '%Y-%m-%d %H:%M')
            else strftime(occurred_at, '%Y-%m-%d')
        end as moment,
        coalesce(', ' || merchant_name, '') as merchant,
        case subject_type when 'claim' then 'expense claim of ' else '' end
        || {{ format_value('amount', 'unit', 'currency', 'en') }} as amount_en,
        {{ format_value('amount', 'unit', 'currency', 'ko') }}
        || case subject_type when 'claim' then ' 경비 청구' else '' end as amount_ko
    from expenses
),

listed as (
    select
        case_id,
        employee_id,
        count(*) as expense_count,
        strftime(min(occurred_at), '%Y-%m-%d') as first_day,
        strftime(max(occurred_at), '%Y-%m-%d') as last_day,
        string_agg('- ' || moment || merchant || ', ' || amount_en, chr(10) order by place) filter (
            where place <= 10
        ) as list_en,
        string_agg('- ' || moment || merchant || ', ' || amount_ko, chr(10) order by place) filter (
            where place <= 10
        ) as list_ko
    from lines
    group by case_id, employee_id
),

-- a rule says what kind of question it is, what detectors found unusual is one kind
occasions as (
    select distinct
        alerts.case_id,
        coalesce(rule_catalog.typology, reasons.kind) as occasion
    from {{ source('ledger', 'alerts') }} as alerts
    inner join {{ source('ledger', 'alert_reasons') }} as reasons
        on alerts.alert_id = reasons.alert_id
    left outer join {{ ref('rule_catalog') }} as rule_catalog
        on
            reasons.kind = 'rule'
            and reasons.code = rule_catalog.rule_id
),

named as (
    select
        cases.case_id,
        texts.occasion,
        texts.pattern_en,
        texts.pattern_ko,
        texts.provide_en,
        texts.provide_ko
    from cases
    inner join occasions on cases.first_case_id = occasions.case_id
    inner join {{ ref('explanation_texts') }} as texts on occasions.occasion = texts.occasion
),

with_rule as (
    select case_id from named
    where occasion <> 'model'
),

-- what only detectors found is asked about as such, and so is what has no reason, unless it was a
-- random look
chosen as (
    select * from named
    where
        occasion <> 'model'
        or case_id not in (select case_id from with_rule)
    union all
    select
        cases.case_id,
        texts.occasion,
        texts.pattern_en,
        texts.pattern_ko,
        texts.provide_en,
        texts.provide_ko
    from cases
    inner join {{ source('ledger', 'alerts') }} as alerts on cases.first_case_id = alerts.case_id
    inner join {{ ref('explanation_texts') }} as texts
        on texts.occasion = case alerts.lane when 'audit' then 'sample' else 'model' end
    where cases.case_id not in (select case_id from named)
),

asked as (
    select
        case_id,
        string_agg(pattern_en, '; ' order by occasion) as patterns_en,
        string_agg(pattern_ko, '; ' order by occasion) as patterns_ko,
        string_agg('- ' || provide_en, chr(10) order by occasion) as provide_en,
        string_agg('- ' || provide_ko, chr(10) order by occasion) as provide_ko
    from chosen
    group by case_id
),

dated as (
    select
        cases.case_id,
        listed.employee_id,
        cases.reference,
        case
            when cases.state = 'explanation_requested' then cases.due_on
            else asked_today.due_on
        end as answer_by,
        listed.expense_count,
        listed.expense_count - 10 as further_count,
        case
            when listed.first_day = listed.last_day then listed.first_day
            else listed.first_day || ' – ' || listed.last_day
        end as days,
        listed.list_en,
        listed.list_ko,
        asked.patterns_en,
        asked.patterns_ko,
        asked.provide_en,
        asked.provide_ko
    from cases
    inner join listed on cases.case_id = listed.case_id
    inner join asked on cases.case_id = asked.case_id
    left outer join asked_today on true
),

final as (
    select
        case_id,
        employee_id,
        answer_by,
        'Please explain company expenses of ' || days || ' (' || reference || ')' as subject_en,
        '법인 경비 사용 내역 확인 요청: ' || days || ' (' || reference || ')' as subject_ko,
        'Please help us to understand '
        || case when expense_count = 1 then 'this expense' else 'these expenses' end
        || ' (' || expense_count || '):' || chr(10) || chr(10)
        || list_en
        || case
            when further_count > 0 then chr(10) || '- and ' || further_count || ' more'
            else ''
        end
        || chr(10) || chr(10) || 'The question is about: ' || patterns_en || '.'
        || chr(10) || chr(10) || 'Please send us'
        || coalesce(' by ' || strftime(answer_by, '%Y-%m-%d'), '') || ':' || chr(10) || chr(10)
        || provide_en
        || chr(10) || chr(10)
        || 'Such questions are part of the regular review of expenses and do not say that anything'
        || ' is wrong. If something is missing, tell us what you know.'
        || chr(10) || chr(10) || 'Reference: ' || reference as body_en,
        '아래 경비 사용 내역(' || expense_count || '건)에 대한 설명을 부탁드립니다.' || chr(10) || chr(10)
        || list_ko
        || case
            when further_count > 0 then chr(10) || '- 그 외 ' || further_count || '건'
            else ''
        end
        || chr(10) || chr(10) || '확인하려는 사항: ' || patterns_ko
        || chr(10) || chr(10)
        || coalesce(strftime(answer_by, '%Y-%m-%d') || '까지 ', '')
        || '다음 자료를 보내 주시기 바랍니다.' || chr(10) || chr(10)
        || provide_ko
        || chr(10) || chr(10)
        || '이 요청은 정기적인 경비 검토의 일부이며, 문제가 있다는 뜻이 아닙니다.'
        || ' 없는 자료가 있으면 아시는 내용만 적어 주셔도 됩니다.'
        || chr(10) || chr(10) || '접수 번호: ' || reference as body_ko
    from dated
)

select * from final
order by case_id, employee_id
