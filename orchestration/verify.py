"""Reads everything that must not be lost, byte for byte: ledger, landed files, warehouse.

And every file of the home for card numbers in clear, of which there must be none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, exclusive_run
from orchestration.engine.rows import named_rows
from orchestration.engine.warehouse import connect, require_warehouse
from orchestration.landing.card_numbers import define_functions, without_card_numbers
from orchestration.landing.clear_numbers import first_card_number
from orchestration.landing.feeds import read_feeds
from orchestration.landing.file import check_file, hash_file
from orchestration.landing.folder import landed_files
from orchestration.landing.history import EarlierLoad, check_history
from orchestration.ledger.issue import check_ledger, loads_of_before


@dataclass(frozen=True)
class Verified:
    """How much was read and found as it was written."""

    issues: int
    landed_files: int
    tables: int
    #: Of the whole home, searched for card numbers in clear.
    files: int


def verify(home: Home) -> Verified:
    """Read ledger files, landed files and all tables, alone on this home.

    Raises CardwatchError with one sentence about the first thing that is missing or damaged.
    """
    require_warehouse(home)
    with exclusive_run(home), connect(home) as connection:
        issues = check_ledger(connection, home)
        landed, tables = _check_landed(connection, home), _read_tables(connection)
        return Verified(issues, landed, tables, _search_home(connection, home))


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


def _search_home(connection: duckdb.DuckDBPyConnection, home: Home) -> int:
    """Look for card numbers in every file; return how many files there are.

    The warehouse is read through the connection that is open already.
    """
    feeds = read_feeds()
    tokens = sorted({prefix for feed in feeds for prefix in feed.card_tokens})
    define_functions(connection)
    landed = dict(landed_files(home, feeds))
    files = sorted(path for path in home.root.rglob("*") if path.is_file())
    for path in files:
        if path in landed:
            found = first_card_number(check_file(path, landed[path]), with_broken=False)
        elif path.suffix == ".parquet":
            found = _in_columns(connection, f"read_parquet('{_quoted(path)}')", tokens)
        elif path == home.warehouse:
            found = _in_database(connection, None, tokens)
        elif path.suffix == ".duckdb":
            connection.execute(f"attach '{_quoted(path)}' as searched (read_only)")
            found = _in_database(connection, "searched", tokens)
            connection.execute("detach searched")
        else:
            found = _in_bytes(path, tokens)
        if found:
            raise CardwatchError(
                f"{path} holds a card number in clear ({found}): move its source's landed files "
                "and the warehouse away, land the files with tokens, and run again"
            )
    return len(files)


def _in_database(
    connection: duckdb.DuckDBPyConnection, database: str | None, tokens: list[str]
) -> str | None:
    tables = connection.execute(
        "select database_name, schema_name, table_name from duckdb_tables()"
        " where database_name = coalesce($1, current_database()) order by all",
        [database],
    ).fetchall()
    for table in tables:
        relation = ".".join(f'"{name}"' for name in table)
        if found := _in_columns(connection, relation, tokens):
            return f"{table[1]}.{table[2]}: {found}"
    return None


def _in_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, tokens: list[str]
) -> str | None:
    columns = connection.execute(f"describe from {relation}").fetchall()
    for name in (column for column, data_type, *_ in columns if "VARCHAR" in data_type):
        text = f'"{name}"::varchar'
        (is_there,) = connection.execute(
            f"select count(*) > 0 from {relation}"  # noqa: S608
            f" where regexp_matches({text}, getvariable('may_hold_card_number'))"
            f" and without_card_numbers({text}, $1) <> {text}",
            [tokens],
        ).fetchall()[0]
        if is_there:
            return f"column {name}"
    return None


def _in_bytes(path: Path, tokens: list[str]) -> str | None:
    """Search logs, settings and Dagster's records as text, whatever they are."""
    for number, line in enumerate(_lines(path), start=1):
        if without_card_numbers(line, tokens) != line:
            return f"line {number}"
    return None


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from file


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
