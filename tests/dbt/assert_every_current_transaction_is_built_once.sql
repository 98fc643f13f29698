-- Claim: of the days whose facts this run builds, int_transactions has every landed transaction
-- once, on the day of its latest version, and nothing else.
-- A returned row is a transaction that was lost, invented or left on another day.
with

build_window as (
    select
        changed_from,
        built_until
    from {{ ref('build_window') }}
),

landed as (
    select
        transaction_id,
        authorized_at::date as transaction_date,
        load_id,
        load_line
    from {{ ref('stg_card_transactions') }}
    where authorized_at::date <= (select built_until from build_window)
),

in_window as (
    select transaction_id from landed
    where transaction_date >= (select changed_from from build_window)
),

-- a later version may have gone to a day before them
current_versions as (
    select
        transaction_id,
        max_by(transaction_date, row(load_id, load_line)) as transaction_date
    from landed
    where transaction_id in (select transaction_id from in_window)
    group by transaction_id
),

expected as (
    select
        transaction_id,
        transaction_date
    from current_versions
    where
        transaction_date >= (select changed_from from build_window)
        -- an approval and its purchase are one transaction
        and transaction_id not in (select purchase_id from {{ ref('int_record_matches') }})
),

built as (
    select
        transaction_id,
        transaction_date
    from {{ ref('int_transactions') }}
    where
        transaction_date >= (select changed_from from build_window)
        and transaction_date <= (select built_until from build_window)
)

select
    expected.transaction_id as expected_transaction_id,
    expected.transaction_date as expected_date,
    built.transaction_id as built_transaction_id,
    built.transaction_date as built_date
from expected
full outer join built
    on
        expected.transaction_id = built.transaction_id
        and expected.transaction_date = built.transaction_date
where expected.transaction_id is null or built.transaction_id is null
