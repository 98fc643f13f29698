"""A company that has sent transactions for months and years, as large as it is asked to be.

Every row follows from its day and its number by DuckDB's hash function, so that the same version of
DuckDB makes the same company again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.keys import key_expression

FIRST_DAY = date(2022, 1, 1)


@dataclass(frozen=True)
class Company:
    """How large the company is."""

    transactions_a_day: int = 20_000
    cards: int = 8_000
    employees: int = 7_000
    departments: int = 200
    merchants: int = 30_000

    @classmethod
    def of(cls, transactions_a_day: int) -> "Company":
        """A company with so many transactions a day, everything else in proportion."""
        usual = cls()
        share = transactions_a_day / usual.transactions_a_day
        return cls(
            transactions_a_day,
            *(
                math.ceil(share * number)
                for number in (usual.cards, usual.employees, usual.departments, usual.merchants)
            ),
        )


# Every draw is a number in [0, 1) that follows from what it decides, the day and the place in it.
_MACROS = """
    create or replace temp macro draw(purpose, day, number) as
        (hash(purpose, day, number) % 1000000007)::double / 1000000007;
    create or replace temp macro pick(purpose, day, number, places) as
        floor(draw(purpose, day, number) * places)::bigint;
    create or replace temp macro days_between(first, last) as table
        select unnest(range(first, last + interval 1 day, interval 1 day))::date as day;

    -- Purchases: cards of very different activity; 70 % of the purchases at one of the card's
    -- twenty places, the others anywhere, most at few merchants. 3 % at any hour, 2 % declined,
    -- 1.5 % refunds, one in twenty a round sum.
    create or replace temp macro purchases(first, last) as table
        with places as (
            select
                days.day,
                numbers.number,
                floor(getvariable('cards') * pow(draw('card', day, number), 1.3))::bigint as card,
                case
                    when draw('habit', day, number) < 0.7
                        then
                            pick(
                                'place', card, pick('which', day, number, 20),
                                getvariable('merchants')
                            )
                    else
                        floor(getvariable('merchants') * pow(draw('any', day, number), 3))::bigint
                end as merchant,
                case
                    when draw('odd', day, number) < 0.03 then 86400 * draw('second', day, number)
                    else 25200 + 27000 * (draw('second', day, number) + draw('late', day, number))
                end as second_of_day,
                draw('dear', day, number) + draw('dearer', day, number)
                + draw('dearest', day, number) - 1.5 as height,
                case when draw('round', day, number) < 0.05 then -4 else -1 end as digits
            from days_between(first, last) as days
            cross join range(getvariable('transactions_a_day')) as numbers(number)
        )
        select
            day as landed_on,
            strftime(day, '%Y%m%d') || '_' || number as transaction_id,
            'card_' || card as card_id,
            day + to_seconds(floor(second_of_day)::bigint) as authorized_at,
            'second' as authorized_precision,
            'merchant_' || merchant as merchant_id,
            'Merchant ' || merchant as merchant_name,
            ['5812', '5814', '4121', '5411', '5541', '7011', '4511', '5943', '5732', '7299', '5813']
                [1 + pick('mcc', 0, merchant, 11)] as mcc,
            ['Seoul', 'Busan', 'Incheon', 'Daegu', 'Daejeon'][1 + pick('city', 0, merchant, 5)]
                as merchant_city,
            'KR' as merchant_country,
            35 + 3 * draw('latitude', 0, merchant) as latitude,
            126.5 + 2.5 * draw('longitude', 0, merchant) as longitude,
            greatest(round(exp(10.3 + 1.8 * height), digits::integer), 1000)
            * case when draw('refund', day, number) < 0.015 then -1 else 1 end as amount,
            'KRW' as currency,
            ['chip', 'contactless', 'online'][1 + pick('entry', day, number, 3)] as entry_mode,
            case when draw('declined', day, number) < 0.02 then 'declined' else 'approved' end
                as status,
            'employee_' || card % getvariable('employees') as holder_id,
            number
        from places;
"""

# What a day brings, feed by feed: the query of its rows and the column that orders them. Of the
# purchases, 1 % are decided within three weeks and 10 % are claimed the day after.
_FEEDS_OF_A_DAY = {
    "card_transactions": (
        "authorized_at, transaction_id",
        """
        select * exclude (holder_id, number)
        from purchases(getvariable('first_day'), getvariable('last_day'))
        """,
    ),
    "labels": (
        "transaction_id",
        """
        select
            landed_on + 1 + pick('decided', landed_on, number, 20)::integer as landed_on,
            transaction_id,
            draw('misuse', purchases.landed_on, number) < 0.2 as misuse,
            purchases.landed_on + 1 + pick('decided', purchases.landed_on, number, 20)::integer
            + interval 9 hour + to_seconds(number % 28800) as decided_at
        from purchases(
            greatest(getvariable('first_day') - 20, getvariable('founded')), getvariable('last_day')
        ) as purchases
        where draw('decision', purchases.landed_on, number) < 0.01
        """,
    ),
    "expense_claims": (
        "claim_id",
        """
        select
            purchases.landed_on + 1 as landed_on,
            'claim_' || transaction_id as claim_id,
            holder_id as employee_id,
            transaction_id,
            purchases.landed_on + 1 + interval 10 hour + to_seconds(number % 14400) as submitted_at,
            amount,
            'A' || pick('account', 0, number, 40) as account_code,
            'receipt_' || transaction_id as receipt_no,
            'employee_' || pick('approver', 0, number, getvariable('departments')) as approver_id,
            submitted_at + interval 4 hour as approved_at,
            'card' as payment
        from purchases(
            greatest(getvariable('first_day') - 1, getvariable('founded')), getvariable('last_day')
        ) as purchases
        where draw('claim', purchases.landed_on, number) < 0.1
        """,
    ),
    "absences": (
        "employee_id",
        """
        select
            day as landed_on,
            'employee_' || pick('absent', day, number, getvariable('employees')) as employee_id,
            day::timestamp as starts_at,
            day + interval 1 day * (1 + pick('until', day, number, 5)) as ends_at,
            'annual_leave' as kind
        from days_between(getvariable('first_day'), getvariable('last_day')) as days
        cross join range(getvariable('employees') // 120) as numbers(number)
        """,
    ),
    "trips": (
        "employee_id",
        """
        select
            day as landed_on,
            'employee_' || pick('travels', day, number, getvariable('employees')) as employee_id,
            day + interval 6 hour as starts_at,
            day + interval 1 day * (1 + pick('back', day, number, 3)) as ends_at,
            'Busan' as city
        from days_between(getvariable('first_day'), getvariable('last_day')) as days
        cross join range(getvariable('employees') // 180) as numbers(number)
        """,
    ),
}

_REGISTERS = {
    "cards": (
        "card_id",
        """
        select
            getvariable('first_day') as landed_on,
            'card_' || card as card_id,
            'employee_' || card % getvariable('employees') as employee_id,
            getvariable('first_day') - interval 400 day as valid_from,
            'active' as status,
            1000000 * (1 + pick('limit', 0, card, 3)) as single_limit,
            5 * single_limit as monthly_limit
        from range(getvariable('cards')) as cards(card)
        """,
    ),
    "employees": (
        "employee_id",
        """
        select
            getvariable('first_day') as landed_on,
            'employee_' || employee as employee_id,
            'department_' || employee % getvariable('departments') as department_id,
            getvariable('first_day') - interval 400 day as valid_from,
            'G' || (1 + pick('grade', 0, employee, 6)) as grade,
            -- the first of a department is its manager
            'employee_' || employee % getvariable('departments') as manager_id,
            getvariable('first_day') - 400 - pick('hired', 0, employee, 3000)::integer as hired_on,
            37.3 + 0.4 * draw('home_latitude', 0, employee) as home_latitude,
            126.8 + 0.4 * draw('home_longitude', 0, employee) as home_longitude
        from range(getvariable('employees')) as employees(employee)
        """,
    ),
}


def fill_registers(connection: duckdb.DuckDBPyConnection, company: Company) -> None:
    """Land the cards and employees that there are from the first day on."""
    _fill(connection, company, _REGISTERS, FIRST_DAY, FIRST_DAY)


def fill_days(
    connection: duckdb.DuckDBPyConnection, company: Company, first: date, last: date
) -> None:
    """Land what the company sends about these days, one file a day and feed, into the raw tables.

    A day's rows are the same whether it is landed alone or with others.
    """
    _fill(connection, company, _FEEDS_OF_A_DAY, first, last)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    company: Company,
    queries: Mapping[str, tuple[str, str]],
    first: date,
    last: date,
) -> None:
    """Write the rows of some feeds to their raw tables, and the manifest of their loads."""
    connection.execute("set enable_progress_bar = false")
    connection.execute(_MACROS)
    days = {"founded": FIRST_DAY, "first_day": first, "last_day": last}
    for name, value in {**vars(company), **days}.items():
        connection.execute(f"set variable {name} = ?", [value])
    feeds = read_feeds()
    # registers have the first numbers, then every day has one for each of its feeds
    first_load = 1 if queries is _REGISTERS else len(_REGISTERS) + 1
    connection.begin()
    for place, (name, (key, query)) in enumerate(queries.items()):
        feed = find_feed(feeds, "company", name)
        table = f'raw."{feed.table}"'
        load = f"{first_load + place} + {len(queries)} * (landed_on - date '{FIRST_DAY}')"
        connection.execute(
            f"""
            insert into {table} by name
            select
                * exclude (landed_on),
                {load} as _load_id,
                '{name}_' || landed_on || '.csv' as _file,
                md5(_file) as _file_hash,
                1 + row_number() over (partition by landed_on order by {key}) as _line,
                landed_on + interval 30 hour as _loaded_at,
                {key_expression(feed)} as _key
            from ({query}) as rows
            where landed_on between getvariable('first_day') and getvariable('last_day')
            order by _load_id, _line
            """
        )
        loads = [
            first_load + place + len(queries) * (day - FIRST_DAY).days for day in (first, last)
        ]
        _record_loads(connection, name, table, feed.event_column, loads)
    connection.commit()


def _record_loads(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: str,
    event_column: str,
    loads: list[int],
) -> None:
    """Write the manifest of a feed's loads, from the first to the last of these numbers."""
    connection.execute(
        f"""
        insert into raw.load_manifest by name
        select
            _load_id as load_id,
            'company' as source,
            '{name}' as feed,
            any_value(_file) as file,
            any_value(_file_hash) as file_hash,
            count(*) as rows_loaded,
            0 as rows_quarantined,
            min("{event_column}")::date as first_day,
            max("{event_column}")::date as last_day,
            any_value(_loaded_at) as loaded_at
        from {table}
        where _load_id between ? and ?
        group by _load_id
        order by _load_id
        """,
        loads,
    )
