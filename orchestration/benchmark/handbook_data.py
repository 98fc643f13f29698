"""The handbook's transactions, on which benchmarks measure: which file, and landed in a home."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.rows import one_row
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.file import check_file
from orchestration.landing.folder import copy_to_landing
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.ledger.issue import prepare_ledger

DATA_VARIABLE = "CARDWATCH_HANDBOOK"


@dataclass(frozen=True)
class HandbookData:
    """What a file of transactions holds; days are those of the first and the last of them."""

    rows: int
    first_day: date
    last_day: date
    customers: int
    terminals: int

    @property
    def days(self) -> int:
        """Days from the first to the last, both included."""
        return (self.last_day - self.first_day).days + 1

    def __str__(self) -> str:
        """What it holds, as one line."""
        return (
            f"{self.rows:,} transactions of {self.days} days ({self.first_day} to "
            f"{self.last_day}), {self.customers:,} cards, {self.terminals:,} merchants"
        )


def find_data(given: Path | None) -> Path | None:
    """Return the file given, or the one that the environment names; None where there is neither.

    Raises CardwatchError for a file that does not exist or lacks a column.
    """
    named = given or os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    data = Path(named).expanduser()
    checked = check_file(data, find_feed(read_feeds(), "handbook", "transactions"))
    if "tx_fraud" not in checked.header:
        raise CardwatchError(f"{data} lacks TX_FRAUD, by which the scores are judged; add it")
    return data


def require_data(given: Path | None) -> Path:
    """Return the file to measure on as `find_data` does; it must be named."""
    data = find_data(given)
    if data is None:
        raise CardwatchError(
            "there is no data to measure on; pass the handbook's transactions as one file with "
            f"--data FILE, or name it in {DATA_VARIABLE}"
        )
    return data


def land_handbook(home: Home, data: Path) -> HandbookData:
    """Land and load the file in a home that holds nothing else.

    Raises CardwatchError where a row cannot be read, is repeated or has no TX_FRAUD of 0 or 1.
    """
    feeds = read_feeds()
    copy_to_landing(home, [data], "handbook", "transactions")
    with connect(home) as connection:
        prepare_raw(connection, feeds)
        prepare_ledger(connection, home)
        (loaded,) = load_landed(connection, home, feeds)
        if loaded.rows_quarantined:
            line, reason = one_row(
                connection, "select line, reason from raw.quarantine order by line limit 1"
            )
            raise CardwatchError(
                f"{loaded.rows_quarantined:,} rows of {data} cannot be read, "
                f"the first in line {line}: {reason}; correct the file"
            )
        if not loaded.rows_loaded:
            raise CardwatchError(f"{data} has no transactions; export it again")
        return _judged(connection, data)


def _judged(connection: duckdb.DuckDBPyConnection, data: Path) -> HandbookData:
    """What was loaded, if it can be measured on."""
    unlabelled, repeated, *found = one_row(
        connection,
        """
        select
            count(*) filter (where tx_fraud is null or tx_fraud not in (0, 1)),
            count(*) - count(distinct transaction_id),
            count(*),
            min(tx_datetime)::date,
            max(tx_datetime)::date,
            count(distinct customer_id),
            count(distinct terminal_id)
        from raw.handbook__transactions
        """,
    )
    if unlabelled:
        raise CardwatchError(f"TX_FRAUD is neither 0 nor 1 in {unlabelled:,} rows of {data}")
    if repeated:
        raise CardwatchError(f"{data} repeats TRANSACTION_ID in {repeated:,} rows")
    return HandbookData(*found)
