-- Claim: of the days that this run builds, int_transactions has every landed transaction once, on
-- the day of its latest version, and nothing else.
-- A returned row is a transaction that was lost, invented or left on another day.
with

build_window as (
    select
        built_from,
        built_until
    from {{ ref('int_build_window') }}
),

landed as (
    select
        transaction_id,
        max_by(authorized_at::date, row(load_id, load_line)) as transaction_date
    from {{ ref('stg_card_transactions') }}
    where
        authorized_at::date >= (select built_from from build_window)
        and authorized_at::date <= (select built_until from build_window)
    group by transaction_id
),

built as (
    select
        transaction_id,
        transaction_date
    from {{ ref('int_transactions') }}
    where
        transaction_date >= (select built_from from build_window)
        and transaction_date <= (select built_until from build_window)
)

select
    landed.transaction_id as landed_transaction_id,
    landed.transaction_date as landed_date,
    built.transaction_id as built_transaction_id,
    built.transaction_date as built_date
from landed
full outer join built
    on
        landed.transaction_id = built.transaction_id
        and landed.transaction_date = built.transaction_date
where landed.transaction_id is null or built.transaction_id is null
