"""Reads everything that must not be lost, byte for byte: ledger, landed files, warehouse."""

from dataclasses import dataclass

import duckdb

from orchestration.engine.home import Home, exclusive_run
from orchestration.engine.rows import named_rows
from orchestration.engine.warehouse import connect, require_warehouse
from orchestration.landing.feeds import read_feeds
from orchestration.landing.file import hash_file
from orchestration.landing.folder import landed_files
from orchestration.landing.history import EarlierLoad, check_history
from orchestration.ledger.issue import check_ledger, loads_of_before


@dataclass(frozen=True)
class Verified:
    """How much was read and found as it was written."""

    issues: int
    landed_files: int
    tables: int


def verify(home: Home) -> Verified:
    """Read ledger files, landed files and all tables, alone on this home.

    Raises CardwatchError with one sentence about the first thing that is missing or damaged.
    """
    require_warehouse(home)
    with exclusive_run(home), connect(home) as connection:
        issues = check_ledger(connection, home)
        return Verified(issues, _check_landed(connection, home), _read_tables(connection))


def _check_landed(connection: duckdb.DuckDBPyConnection, home: Home) -> int:
    """Hold every landed file against its hash in the ledger's loads; return how many there are."""
    feeds = read_feeds()
    landed = [
        (path, (feed.source, feed.feed, hash_file(path)))
        for path, feed in landed_files(home, feeds)
    ]
    loaded = connection.execute("select source, feed, file_hash from raw.load_manifest").fetchall()
    earlier = [EarlierLoad(**load) for load in loads_of_before(connection)]
    check_history(home, feeds, landed, set(loaded), earlier)
    return len(landed)


def _read_tables(connection: duckdb.DuckDBPyConnection) -> int:
    """Read every value of every table, which makes DuckDB check its blocks; return how many."""
    tables = named_rows(connection, "select schema_name, table_name from duckdb_tables()")
    for table in tables:
        name = f'"{table["schema_name"]}"."{table["table_name"]}"'
        connection.execute(f"select bit_xor(hash(read)) from {name} as read").fetchall()  # noqa: S608
    return len(tables)
