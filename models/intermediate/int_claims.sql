{{ config(unique_key='submitted_on') }}
-- Grain: one row per expense claim as last submitted, with the purchase that it names and the
-- earlier claims or card purchases that it seems to repeat, or that do not go with it.
with

landed as (
    select
        *,
        submitted_at::date as submitted_on,
        amount::decimal(18, 2) as amount_exact,
        row_number() over (
            partition by claim_id
            order by load_id desc, load_line desc
        ) as recency
    from {{ ref('stg_expense_claims') }} as versions
    where
        {{ in_changed_days('submitted_at', lookback=90) }}
        {% if is_incremental() %}
            -- sent again since for an earlier day, it is there and stays there
            and not exists (
                select 1 from {{ ref('stg_expense_claims') }} as sent_again
                where
                    versions.claim_id = sent_again.claim_id
                    and sent_again.submitted_at
                    < (select changed_from - 90 from {{ ref('build_window') }})
                    and row(sent_again.load_id, sent_again.load_line)
                    > row(versions.load_id, versions.load_line)
            )
        {% endif %}
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
        bool_or(words.kind = 'meal') as is_meal,
        bool_or(words.kind = 'mileage') as is_mileage,
        bool_or(words.kind = 'fuel') as is_fuel
    from (
        select distinct
            coalesce(lower(account_code), '') as account_text,
            coalesce(lower(purpose), '') as purpose_text
        from landed
        where recency = 1
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
        landed.claim_id,
        transactions.employee_id,
        transactions.merchant_id,
        transactions.transaction_date,
        transactions.authorized_at,
        transactions.has_time,
        transactions.amount,
        transactions.amount_exact,
        transactions.currency,
        transactions.category,
        transactions.category_policy,
        coalesce(transactions.entry_mode, 'unknown') = 'online' as is_online
    from landed
    inner join {{ ref('int_transactions') }} as transactions
        on
            landed.transaction_id = transactions.transaction_id
            and landed.submitted_on >= transactions.transaction_date
            and landed.submitted_on - 365 <= transactions.transaction_date
    where
        landed.recency = 1
        and transactions.is_purchase
        and {{ in_changed_days('transactions.transaction_date', lookback=455) }}
),

claims as (
    select
        landed.*,
        purchases.merchant_id,
        purchases.transaction_date as purchased_on,
        coalesce(purchases.transaction_date, landed.submitted_on) as spent_on,
        coalesce(texts.is_entertainment, false) as is_entertainment,
        coalesce(texts.is_welfare, false) as is_welfare,
        coalesce(texts.is_gift, false) as is_gift,
        coalesce(texts.is_condolence, false) as is_condolence,
        -- an allowance that names meals is not a meal
        coalesce(texts.is_meal and not texts.is_per_diem, false) as is_meal,
        coalesce(texts.is_fuel and not texts.is_mileage, false) as is_fuel,
        coalesce(texts.is_per_diem, false) as is_per_diem,
        coalesce(texts.is_mileage, false) as is_mileage
    from landed
    left outer join purchases on landed.claim_id = purchases.claim_id
    left outer join texts
        on
            coalesce(lower(landed.account_code), '') = texts.account_text
            and coalesce(lower(landed.purpose), '') = texts.purpose_text
    where landed.recency = 1
),

-- those of the days before are only looked back at
built as (
    select * from claims
    where {{ in_changed_days('submitted_on') }}
),

-- the same purchase, or the same receipt, handed in again by the same person within 90 days, or a
-- claim of the card for the same account that names no purchase; of two claims of one moment, the
-- one with the larger identifier repeats the other
repeatable as (
    select
        built.claim_id,
        earlier.claim_id as earlier_claim_id,
        earlier.submitted_at as earlier_submitted_at,
        coalesce(
            built.transaction_id = earlier.transaction_id
            or built.receipt_no = earlier.receipt_no,
            false
        ) as is_same_purchase
    from built
    inner join claims as earlier
        on
            built.employee_id = earlier.employee_id
            and built.amount_exact = earlier.amount_exact
            and built.submitted_on - 90 <= earlier.submitted_on
            and (
                built.submitted_at > earlier.submitted_at
                or (
                    built.submitted_at = earlier.submitted_at
                    and built.claim_id > earlier.claim_id
                )
            )
            and (
                built.transaction_id = earlier.transaction_id
                or built.receipt_no = earlier.receipt_no
                or (
                    built.payment = 'card'
                    and built.transaction_id is null
                    and built.account_code = earlier.account_code
                )
            )
),

repeated as (
    select
        claim_id,
        max_by(earlier_claim_id, row(is_same_purchase, earlier_submitted_at, earlier_claim_id))
            as equal_claim_id,
        max_by(
            earlier_submitted_at, row(is_same_purchase, earlier_submitted_at, earlier_claim_id)
        ) as equal_claim_submitted_at
    from repeatable
    group by claim_id
),

-- two claims can be about one expense if both name the same purchase, or one of them names none
comparable as (
    select
        later.claim_id,
        earlier.claim_id as earlier_claim_id
    from built as later
    inner join claims as earlier
        on
            later.employee_id = earlier.employee_id
            and later.account_code = earlier.account_code
            and later.transaction_id = earlier.transaction_id
            and later.submitted_on - 30 <= earlier.submitted_on
            and later.submitted_at >= earlier.submitted_at
    union
    select
        later.claim_id,
        earlier.claim_id as earlier_claim_id
    from built as later
    inner join claims as earlier
        on
            later.employee_id = earlier.employee_id
            and later.account_code = earlier.account_code
            and later.submitted_on - 30 <= earlier.submitted_on
            and later.submitted_at >= earlier.submitted_at
    where later.transaction_id is null
    union
    select
        later.claim_id,
        earlier.claim_id as earlier_claim_id
    from built as later
    inner join claims as earlier
        on
            later.employee_id = earlier.employee_id
            and later.account_code = earlier.account_code
            and later.submitted_on - 30 <= earlier.submitted_on
            and later.submitted_at >= earlier.submitted_at
    where earlier.transaction_id is null
),

-- nearly the same sum, at most 5 % apart, on the same account at most 30 days before
nearly_repeated as (
    select
        later.claim_id,
        max_by(earlier.claim_id, row(earlier.submitted_at, earlier.claim_id)) as near_claim_id,
        max_by(earlier.amount_exact, row(earlier.submitted_at, earlier.claim_id))
            as near_claim_amount,
        max(earlier.submitted_at) as near_claim_submitted_at
    from comparable
    inner join claims as later on comparable.claim_id = later.claim_id
    inner join claims as earlier on comparable.earlier_claim_id = earlier.claim_id
    where
        later.amount_exact <> earlier.amount_exact
        and abs(later.amount_exact - earlier.amount_exact)
        <= 0.05 * greatest(later.amount_exact, earlier.amount_exact)
        and (
            later.submitted_at > earlier.submitted_at
            or later.claim_id > earlier.claim_id
        )
    group by later.claim_id
),

-- the same receipt in a claim of somebody else at most 90 days before
shared_receipts as (
    select
        built.claim_id,
        max_by(earlier.claim_id, row(earlier.submitted_at, earlier.claim_id)) as twin_claim_id
    from built
    inner join claims as earlier
        on
            built.receipt_no = earlier.receipt_no
            and built.amount_exact = earlier.amount_exact
            and built.employee_id <> earlier.employee_id
            and built.submitted_on - 90 <= earlier.submitted_on
            -- small shops number their receipts alike
            and coalesce(built.merchant_id = earlier.merchant_id, true)
            and (
                built.submitted_at > earlier.submitted_at
                or (
                    built.submitted_at = earlier.submitted_at
                    and built.claim_id > earlier.claim_id
                )
            )
    group by built.claim_id
),

days_apart as (
    select -1 as days
    union all
    select 0 as days
    union all
    select 1 as days
),

-- the same sum at the same merchant with the card of somebody else within a day; online one price
-- holds for everybody
shared_bills as (
    select
        purchases.claim_id,
        min_by(
            others.transaction_id,
            row(
                abs({{ hours_between('others.authorized_at', 'purchases.authorized_at') }}),
                others.transaction_id
            )
        ) as twin_transaction_id,
        min(
            case
                when purchases.has_time and others.has_time
                    then
                        abs({{ hours_between('others.authorized_at', 'purchases.authorized_at') }})
            end
        ) as twin_hours_apart
    from purchases
    inner join built on purchases.claim_id = built.claim_id
    cross join days_apart
    inner join {{ ref('int_transactions') }} as others
        on
            purchases.merchant_id = others.merchant_id
            and purchases.amount_exact = others.amount_exact
            and purchases.transaction_date + days_apart.days = others.transaction_date
            and purchases.employee_id <> others.employee_id
            and others.authorized_at <= purchases.authorized_at + interval 1 day
            and others.authorized_at >= purchases.authorized_at - interval 1 day
            -- what the claim's day did not know yet
            and built.submitted_at > others.authorized_at
    where
        {{ in_changed_days('others.transaction_date', lookback=366) }}
        and others.is_purchase
        and coalesce(others.entry_mode, 'unknown') <> 'online'
        and not purchases.is_online
    group by purchases.claim_id
),

-- one pad of receipts: numbers next to each other for money spent on different days
numbered as (
    select
        claim_id,
        employee_id,
        transaction_id,
        merchant_id,
        submitted_on,
        submitted_at,
        spent_on,
        regexp_replace(receipt_no, '[0-9]{1,18}$', '') as receipt_series,
        try_cast(regexp_extract(receipt_no, '[0-9]{1,18}$') as bigint) as receipt_number
    from claims
    where receipt_no is not null
),

stepped as (
    select
        *,
        unnest([-3, -2, -1, 1, 2, 3]) as step
    from numbered
    where {{ in_changed_days('submitted_on') }}
),

consecutive as (
    select
        later.claim_id,
        min_by(
            earlier.claim_id,
            row(abs(later.step), -abs(later.spent_on - earlier.spent_on), earlier.claim_id)
        ) as consecutive_claim_id,
        min(abs(later.step)) as receipt_steps_apart,
        min_by(
            abs(later.spent_on - earlier.spent_on),
            row(abs(later.step), -abs(later.spent_on - earlier.spent_on), earlier.claim_id)
        ) as receipt_days_apart
    from stepped as later
    inner join numbered as earlier
        on
            later.employee_id = earlier.employee_id
            and later.receipt_series = earlier.receipt_series
            and later.receipt_number + later.step = earlier.receipt_number
            and later.submitted_on - 90 <= earlier.submitted_on
            and coalesce(later.merchant_id = earlier.merchant_id, true)
            and (
                later.submitted_at > earlier.submitted_at
                or (later.submitted_at = earlier.submitted_at and later.claim_id > earlier.claim_id)
            )
    group by later.claim_id
),

-- an allowance for meals or driving, and the meals or the fuel themselves, at most a week apart.
-- Claims in cash carry no day of the expense: the day of submission stands for it.
paid_in_two_ways as (
    select
        allowances.claim_id as allowance_claim_id,
        outlays.claim_id as outlay_claim_id,
        allowances.submitted_at > outlays.submitted_at
        or (
            allowances.submitted_at = outlays.submitted_at
            and allowances.claim_id > outlays.claim_id
        ) as is_allowance_later,
        abs(allowances.submitted_on - outlays.submitted_on) as days_apart
    from claims as allowances
    inner join claims as outlays
        on
            allowances.employee_id = outlays.employee_id
            and allowances.submitted_on - 7 <= outlays.submitted_on
            and allowances.submitted_on + 7 >= outlays.submitted_on
            and (
                (allowances.is_per_diem and outlays.is_meal)
                or (allowances.is_mileage and outlays.is_fuel)
            )
    where allowances.is_per_diem or allowances.is_mileage
),

paired as (
    select
        case when is_allowance_later then allowance_claim_id else outlay_claim_id end as claim_id,
        min_by(
            case when is_allowance_later then outlay_claim_id else allowance_claim_id end,
            row(
                days_apart,
                case when is_allowance_later then outlay_claim_id else allowance_claim_id end
            )
        ) as paired_claim_id,
        min(days_apart) as days_since_paired_claim
    from paid_in_two_ways
    group by case when is_allowance_later then allowance_claim_id else outlay_claim_id end
),

-- the approver's own claim, approved by the claimant at most 90 days before
returned as (
    select
        built.claim_id,
        max_by(earlier.claim_id, row(earlier.submitted_at, earlier.claim_id)) as returned_claim_id
    from built
    inner join claims as earlier
        on
            built.approver_id = earlier.employee_id
            and built.employee_id = earlier.approver_id
            and built.submitted_on - 90 <= earlier.submitted_on
            and (
                built.submitted_at > earlier.submitted_at
                or (
                    built.submitted_at = earlier.submitted_at
                    and built.claim_id > earlier.claim_id
                )
            )
    where built.approver_id <> built.employee_id
    group by built.claim_id
),

-- paid by card and asked back in cash: same person, same sum, at most 30 days before the claim
paid_by_card as (
    select
        claims.claim_id,
        max_by(
            transactions.transaction_id,
            row(transactions.authorized_at, transactions.transaction_id)
        ) as card_transaction_id,
        max(transactions.authorized_at) as card_authorized_at
    from claims
    inner join {{ ref('int_transactions') }} as transactions
        on
            claims.employee_id = transactions.employee_id
            and claims.amount_exact = transactions.amount_exact
            and claims.submitted_at > transactions.authorized_at
            and claims.submitted_on - 30 <= transactions.transaction_date
    where
        claims.payment = 'cash'
        and transactions.is_purchase
    group by claims.claim_id
),

final as (
    select
        claims.claim_id,
        claims.submitted_on,
        claims.submitted_at,
        claims.employee_id,
        coalesce(
            claims.transaction_id,
            paid_by_card.card_transaction_id,
            equal_claims.transaction_id
        ) as transaction_id,
        claims.account_code,
        claims.purpose,
        claims.attendees,
        claims.receipt_no,
        claims.approver_id,
        claims.approved_at,
        claims.payment,
        claims.amount,
        repeated.equal_claim_id,
        (claims.submitted_on - repeated.equal_claim_submitted_at::date)::double
            as days_since_equal_claim,
        paid_by_card.card_transaction_id,
        (claims.submitted_on - paid_by_card.card_authorized_at::date)::double
            as days_since_equal_card_purchase,
        claims.transaction_id is not null as names_purchase,
        case when purchases.currency = '{{ var("claim_currency") }}' then purchases.amount end
            as purchase_amount,
        purchases.category as purchase_category,
        purchases.category_policy as purchase_policy,
        (claims.submitted_on - purchases.transaction_date)::double as days_since_purchase,
        case when claims.account_code is not null then claims.is_entertainment end
            as is_entertainment,
        case when claims.account_code is not null then claims.is_welfare end as is_welfare,
        case
            when coalesce(claims.account_code, claims.purpose) is not null then claims.is_gift
        end as is_gift,
        case
            when coalesce(claims.account_code, claims.purpose) is not null then claims.is_condolence
        end as is_condolence,
        case
            when claims.submitted_at >= known_columns.first_receipt_at
                then claims.receipt_no is null
        end as is_without_receipt,
        case
            when claims.submitted_at >= known_columns.first_attendees_at
                then claims.attendees is null
        end as is_without_attendees,
        nearly_repeated.near_claim_id,
        abs(claims.amount_exact - nearly_repeated.near_claim_amount)::double
        / greatest(claims.amount_exact, nearly_repeated.near_claim_amount)::double
            as near_claim_difference,
        (claims.submitted_on - nearly_repeated.near_claim_submitted_at::date)::double
            as days_since_near_claim,
        shared_bills.twin_transaction_id,
        shared_bills.twin_hours_apart,
        shared_receipts.twin_claim_id,
        consecutive.consecutive_claim_id,
        consecutive.receipt_steps_apart::double as receipt_steps_apart,
        consecutive.receipt_days_apart::double as receipt_days_apart,
        paired.paired_claim_id,
        paired.days_since_paired_claim::double as days_since_paired_claim,
        returned.returned_claim_id
    from claims
    cross join known_columns
    left outer join purchases on claims.claim_id = purchases.claim_id
    left outer join repeated on claims.claim_id = repeated.claim_id
    left outer join claims as equal_claims on repeated.equal_claim_id = equal_claims.claim_id
    left outer join nearly_repeated on claims.claim_id = nearly_repeated.claim_id
    left outer join shared_bills on claims.claim_id = shared_bills.claim_id
    left outer join shared_receipts on claims.claim_id = shared_receipts.claim_id
    left outer join consecutive on claims.claim_id = consecutive.claim_id
    left outer join paired on claims.claim_id = paired.claim_id
    left outer join returned on claims.claim_id = returned.claim_id
    left outer join paid_by_card on claims.claim_id = paid_by_card.claim_id
    where {{ in_changed_days('claims.submitted_on') }}
    order by claims.submitted_at, claims.claim_id
)

select * from final
