{{ config(unique_key='transaction_date') }}
-- Grain: one row per purchase of a holder about whom there is something to say at that moment: not
-- in the register of employees, new to company cards, or found to misuse one before.
with

purchases as (
    select
        transaction_id,
        transaction_date,
        authorized_at,
        employee_id,
        department_id
    from {{ ref('int_transactions') }}
    where
        {{ in_build_window('transaction_date') }}
        and is_purchase
        and employee_id is not null
),

first_cards as (
    select
        employee_id,
        min(valid_from) as first_card_at
    from {{ ref('stg_cards') }}
    group by employee_id
),

-- before the first row of a register nobody is known, and those in it then were there before
registers as (
    select
        (select min(valid_from) from {{ ref('stg_employees') }}) as first_employee_at,
        (select min(first_card_at) from first_cards) as first_card_at
),

-- all decisions on a purchase: one that is better known than a recent one may be older than a year
decisions as (
    select
        transaction_id,
        decided_on,
        available_at,
        misuse,
        -- until one decided later is known; of two decisions of one moment the innocent one holds
        min(available_at) over (
            partition by transaction_id
            order by decided_at asc, available_at asc, misuse desc
            rows between 1 following and unbounded following
        ) as known_better_at
    from {{ ref('label_decisions') }}
    where
        transaction_id in (
            select transaction_id from {{ ref('label_decisions') }}
            where {{ in_build_window('decided_on', lookback=365) }}
        )
),

-- a decision holds until the same purchase is decided on again
confirmed as (
    select
        transactions.employee_id,
        transactions.transaction_id,
        decisions.available_at,
        decisions.known_better_at
    from decisions
    inner join {{ ref('int_transactions') }} as transactions
        on
            decisions.transaction_id = transactions.transaction_id
            and decisions.available_at > transactions.authorized_at
            -- a decision on what is a year past says nothing about today
            and decisions.available_at::date - 365 <= transactions.transaction_date
    where
        decisions.misuse
        and {{ in_build_window('decisions.decided_on', lookback=365) }}
        and {{ in_build_window('transactions.transaction_date', lookback=730) }}
        and transactions.is_purchase
),

offended as (
    select
        purchases.transaction_id,
        count(distinct confirmed.transaction_id) as misuse_count,
        max(confirmed.available_at) as available_at
    from purchases
    inner join confirmed
        on
            purchases.employee_id = confirmed.employee_id
            and purchases.authorized_at > confirmed.available_at
            and purchases.transaction_date
            - {{ rule_reach('card_behaviour_011', 'window_days', 'to', fixed=365) }}::integer
            <= confirmed.available_at::date
            and coalesce(purchases.authorized_at <= confirmed.known_better_at, true)
    group by purchases.transaction_id
),

described as (
    select
        purchases.transaction_id,
        purchases.transaction_date,
        case
            when purchases.authorized_at >= registers.first_employee_at
                -- whoever is in the register has a department
                then purchases.department_id is null
        end as is_not_employed,
        case
            when
                first_cards.first_card_at > registers.first_card_at
                and purchases.authorized_at >= first_cards.first_card_at
                then purchases.transaction_date - first_cards.first_card_at::date
        end as days_with_card,
        offended.misuse_count,
        purchases.transaction_date - offended.available_at::date as days_since_misuse
    from purchases
    cross join registers
    left outer join first_cards on purchases.employee_id = first_cards.employee_id
    left outer join offended on purchases.transaction_id = offended.transaction_id
),

final as (
    select
        transaction_id,
        transaction_date,
        is_not_employed::integer::double as employee_is_not_in_register,
        case
            when
                days_with_card
                <= {{ rule_reach('card_behaviour_010', 'maximum_days', 'to') }}
                then days_with_card
        end::double as employee_days_with_card,
        coalesce(misuse_count, 0)::double as employee_misuse_count_365d,
        days_since_misuse::double as employee_days_since_misuse
    from described
    where
        is_not_employed
        or days_with_card <= {{ rule_reach('card_behaviour_010', 'maximum_days', 'to') }}
        or coalesce(misuse_count, 0)
        >= {{ rule_reach('card_behaviour_011', 'minimum_confirmed', 'from') }}
)

select * from final
