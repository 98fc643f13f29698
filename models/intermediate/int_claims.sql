{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim as last submitted, with the purchase that it names and what its
-- words are about. What it has to do with other claims and purchases is in features/claim.
with

versions as (
    {{ latest_versions(ref('stg_expense_claims'), 'claim_id', 'submitted_at') }}
),

claims as (
    select
        versions.* exclude (transaction_id, amount, currency),  -- noqa: RF02
        versions.submitted_at::date as submitted_on,
        versions.amount as billed_amount,
        coalesce(versions.currency, company.currency) as billed_currency,
        company.currency,
        {{ in_company_currency('versions.amount', 'versions.currency') }} as amount,
        -- what is claimed by the purchase's record is the transaction that its approval began
        coalesce(matches.approval_id, versions.transaction_id) as transaction_id
    from versions
    {{ join_rates('versions.currency', 'versions.submitted_at::date') }}
    left outer join {{ ref('int_record_matches') }} as matches
        on versions.transaction_id = matches.purchase_id
),

-- what an account and a purpose are about is looked up once a text, not once a claim
texts as (
    select
        texts.account_text,
        texts.purpose_text,
        bool_or(words.kind = 'entertainment' and contains(texts.account_text, words.word))
            as is_entertainment,
        bool_or(words.kind = 'welfare' and contains(texts.account_text, words.word)) as is_welfare,
        bool_or(words.kind in ('gift', 'condolence')) as is_gift,
        bool_or(words.kind = 'condolence') as is_condolence,
        bool_or(words.kind = 'per_diem') as is_per_diem,
        bool_or(words.kind = 'mileage') as is_mileage,
        -- an allowance that names meals is no meal
        bool_or(words.kind = 'meal') and not bool_or(words.kind = 'per_diem') as is_meal,
        bool_or(words.kind = 'fuel') and not bool_or(words.kind = 'mileage') as is_fuel
    from (
        select distinct
            coalesce(lower(account_code), '') as account_text,
            coalesce(lower(purpose), '') as purpose_text
        from claims
    ) as texts
    inner join {{ ref('expense_words') }} as words
        on contains(texts.account_text || ' ' || texts.purpose_text, words.word)
    group by texts.account_text, texts.purpose_text
),

-- a feed that has not given a column yet is not the same as "it is missing here"
known_columns as (
    select
        min(submitted_at) filter (where receipt_no is not null) as first_receipt_at,
        min(submitted_at) filter (where attendees is not null) as first_attendees_at
    from {{ ref('stg_expense_claims') }}
),

-- the purchase that a claim names, made at most a year before
purchases as (
    select
        claims.claim_id,
        transactions.employee_id,
        transactions.merchant_id,
        transactions.transaction_date,
        transactions.authorized_at,
        transactions.has_time,
        transactions.amount,
        transactions.amount_exact,
        transactions.category,
        transactions.category_policy,
        coalesce(transactions.entry_mode, 'unknown') = 'online' as is_online
    from claims
    inner join {{ ref('int_transactions') }} as transactions
        on
            claims.transaction_id = transactions.transaction_id
            and claims.submitted_on >= transactions.transaction_date
            and claims.submitted_on - 365 <= transactions.transaction_date
    where
        transactions.is_purchase
        and {{ in_changed_days('transactions.transaction_date', lookback=365) }}
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        claims.submitted_at,
        claims.employee_id,
        claims.transaction_id,
        claims.account_code,
        claims.purpose,
        claims.attendees,
        claims.receipt_no,
        claims.approver_id,
        claims.approved_at,
        claims.payment,
        claims.amount,
        claims.currency,
        claims.billed_amount,
        claims.billed_currency,
        claims.amount::decimal(18, 2) as amount_exact,
        purchases.employee_id as purchase_employee_id,
        purchases.merchant_id as purchase_merchant_id,
        purchases.transaction_date as purchased_on,
        purchases.authorized_at as purchased_at,
        purchases.has_time as purchase_has_time,
        purchases.is_online as purchase_is_online,
        purchases.amount_exact as purchase_amount_exact,
        purchases.amount as purchase_amount,
        purchases.category as purchase_category,
        purchases.category_policy as purchase_policy,
        case when claims.account_code is not null then coalesce(texts.is_entertainment, false) end
            as is_entertainment,
        case when claims.account_code is not null then coalesce(texts.is_welfare, false) end
            as is_welfare,
        {% for kind in ['gift', 'condolence', 'per_diem', 'mileage', 'meal', 'fuel'] %}
            case
                when coalesce(claims.account_code, claims.purpose) is not null
                    then coalesce(texts.is_{{ kind }}, false)
            end as is_{{ kind }},
        {% endfor %}
        case
            when claims.submitted_at >= known_columns.first_receipt_at
                then claims.receipt_no is null
        end as is_without_receipt,
        case
            when claims.submitted_at >= known_columns.first_attendees_at
                then claims.attendees is null
        end as is_without_attendees
    from claims
    cross join known_columns
    left outer join purchases on claims.claim_id = purchases.claim_id
    left outer join texts
        on
            coalesce(lower(claims.account_code), '') = texts.account_text
            and coalesce(lower(claims.purpose), '') = texts.purpose_text
    order by claims.submitted_at, claims.claim_id
)

select * from final
