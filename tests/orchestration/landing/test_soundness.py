"""One bad row stops nothing; a file of bad rows is refused whole, in one sentence."""

from dataclasses import replace

import duckdb
import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.feeds import MONEY
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.landing.soundness import refuse_unsound, worst_reasons
from tests.orchestration.landing.shop import SALES, csv_text, everything, good, put

BILLS = replace(
    SALES,
    columns=tuple(
        replace(column, data_type=MONEY) if column.name == "amount" else column
        for column in SALES.columns
    ),
    table="shop__bills",
    feed="bills",
)


def land(connection: duckdb.DuckDBPyConnection, home: Home, *rows: str) -> None:
    put(home, csv_text(*rows), feed="bills")
    prepare_raw(connection, [BILLS])
    load_landed(connection, home, [BILLS])


def sales(*amounts: str) -> list[str]:
    return [f's{n},t,2025-01-06 12:00:00,"{amount}"' for n, amount in enumerate(amounts)]


def test_a_few_unreadable_rows_are_named_and_stop_nothing(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    land(warehouse, home, *sales(*["58.07"] * 57, "12,345.00", "1,234", "2,345"))
    refuse_unsound(warehouse, [BILLS])
    assert [str(reason) for reason in worst_reasons(warehouse)] == [
        "2 rows: amount '1,234' has two readings: set decimal and thousands in meta.format "
        "(a.csv, line 60)"
    ]
    assert warehouse.execute("select max(amount) from raw.shop__bills").fetchone() == (12345,)


def test_too_many_unreadable_rows_refuse_the_file(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    prepare_raw(warehouse, [BILLS])
    before = everything(warehouse)
    rows = [good(number).replace("2025-01-01 10:00:00", "19/04/2025") for number in range(2, 5)]
    land(warehouse, home, *rows, *map(good, range(5, 55)))
    with pytest.raises(CardwatchError) as refusal:
        refuse_unsound(warehouse, [BILLS])
    assert str(refusal.value).startswith(
        "a.csv has 3 unreadable rows of 53 (6%), 3 of them like line 2: sold_at '19/04/2025' does "
        "not say which is the day: set dates in meta.format to their order; nothing of the file is"
    )
    # only the days that it might have changed are built anew
    after = {**everything(warehouse), "raw.run_state": before["raw.run_state"]}
    assert after == before


def test_two_unreadable_rows_are_never_too_many(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    land(warehouse, home, *sales("x", "y"))
    refuse_unsound(warehouse, [BILLS])
    assert warehouse.execute("select count(*) from raw.quarantine").fetchone() == (2,)


def test_purchases_below_zero_are_asked_about(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    land(warehouse, home, *sales(*(f"-{amount}" for amount in range(60000, 62000, 100))))
    with pytest.raises(CardwatchError, match=r"20 of 20 values of amount below zero.* set sign in"):
        refuse_unsound(warehouse, [BILLS])
    declared = replace(BILLS, layout=replace(BILLS.layout, sign="purchases_negative"))
    load_landed(warehouse, home, [declared])
    refuse_unsound(warehouse, [declared])
    assert warehouse.execute("select min(amount) from raw.shop__bills").fetchone() == (60000,)


def test_a_few_refunds_are_refunds(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    land(warehouse, home, *sales(*["-5"] * 9))
    refuse_unsound(warehouse, [BILLS])
    assert warehouse.execute("select max(amount) from raw.shop__bills").fetchone() == (-5,)
