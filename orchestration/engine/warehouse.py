"""Connections to the DuckDB warehouse, and its errors in the user's words."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.fail_points import fail_point
from orchestration.engine.home import Home

DEFAULT_MEMORY_LIMIT = "4GB"

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DISK_FULL_WORDS = re.compile(
    r"no space left|disk quota exceeded|file too large|max_temp_directory_size", re.IGNORECASE
)
# What DuckDB says of a file that lost bytes or whose bytes changed, its log of changes included.
_DAMAGED_WORDS = re.compile(
    r"corrupt database file|corrupt wal file|failure while replaying wal"
    r"|could not read enough bytes|not a valid duckdb database file|failed to load metadata",
    re.IGNORECASE,
)
_DAMAGED_RECORDS = re.compile(r"database disk image is malformed|file is not a database")


def connect(home: Home, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse with the limits of the environment; UTC, spilling into the home."""
    if read_only:
        require_warehouse(home)
    home.create()
    _drop_log_of_lost_warehouse(home)
    memory_limit = _memory_limit()
    try:
        connection = duckdb.connect(str(home.warehouse), read_only=read_only)
    except duckdb.Error as error:
        raise explain_database_error(error) or _cannot_be_opened(home, error) from error
    try:
        connection.execute("set memory_limit = ?", [memory_limit])
    except duckdb.Error as error:
        connection.close()
        raise CardwatchError(
            f"CARDWATCH_MEMORY_LIMIT is {memory_limit!r}, which DuckDB does not understand; "
            "write it like 4GB"
        ) from error
    connection.execute("set TimeZone = 'UTC'")
    # A database that is open in this process already may be spilling; then it cannot be set again.
    spills_into = connection.execute("select current_setting('temp_directory')").fetchone()
    if spills_into != (str(home.temporary),):
        connection.execute("set temp_directory = ?", [str(home.temporary)])
    return connection


def _drop_log_of_lost_warehouse(home: Home) -> None:
    """Remove the log of changes that a deleted warehouse left; DuckDB would open a new one with it.

    What it holds was changes to tables that are gone.
    """
    if not home.warehouse.exists():
        home.warehouse.with_name(f"{home.warehouse.name}.wal").unlink(missing_ok=True)


def require_warehouse(home: Home) -> None:
    """Refuse a home without a warehouse, which opening it for writing would create."""
    if not home.warehouse.exists():
        raise CardwatchError(
            f"there is no warehouse at {home.warehouse}; run `cardwatch run` first"
        )


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit what the block does, or undo all of it when anything stops the block."""
    connection.begin()
    try:
        fail_point("transaction.begun")
        yield
        fail_point("transaction.done")
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a failed commit has already rolled back
            connection.rollback()
        raise
    fail_point("transaction.committed")


@contextmanager
def memory_at_most(connection: duckdb.DuckDBPyConnection, mebibytes: int) -> Iterator[None]:
    """Let the database hold less in memory than it may, and spill the rest, during the block.

    Afterwards it may hold what the environment says.
    """
    found = connection.execute("select current_setting('memory_limit')").fetchone()
    limit = str(found[0]) if found else "0 bytes"
    number, unit = limit.split()
    in_mebibytes = float(number) * {"KiB": 2**-10, "MiB": 1, "GiB": 2**10, "TiB": 2**20}.get(
        unit, 0
    )
    if in_mebibytes <= mebibytes:
        yield
        return
    connection.execute("set memory_limit = ?", [f"{mebibytes}MiB"])
    try:
        yield
    finally:
        connection.execute("set memory_limit = ?", [_memory_limit()])


def _memory_limit() -> str:
    return os.environ.get("CARDWATCH_MEMORY_LIMIT") or DEFAULT_MEMORY_LIMIT


def drop_left_over(connection: duckdb.DuckDBPyConnection) -> int:
    """Drop the tables in which dbt's Python models handed over rows; returns how many there were.

    dbt-duckdb leaves one of each incremental model behind in every run.
    """
    tables = connection.execute(
        """
        select schema_name || '."' || table_name || '"' from duckdb_tables()
        where schema_name = 'main' and regexp_matches(table_name, '__dbt_tmp[0-9]*$')
        """
    ).fetchall()
    for (table,) in tables:
        connection.execute(f"drop table {table}")
    return len(tables)


def explain_database_error(error: BaseException) -> CardwatchError | None:
    """Say in one sentence what the user can do about an error, or None when it is not theirs."""
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return disk_full()
    message = str(error)
    if _DAMAGED_RECORDS.search(message):
        return CardwatchError(
            "Dagster's records of earlier runs are damaged; move the folder dagster out of "
            "CARDWATCH_HOME and run again, nothing else is lost with them"
        )
    if not isinstance(error, duckdb.Error):
        return None
    if is_damaged(error):
        return CardwatchError(
            "the warehouse is damaged, bytes of its file were lost or changed; move "
            "warehouse.duckdb and warehouse.duckdb.wal out of CARDWATCH_HOME and run again, "
            "it is rebuilt from the landed files and the ledger"
        )
    if _DISK_FULL_WORDS.search(message):
        return disk_full()
    if "Could not set lock on file" in message:
        process = re.search(r"PID (\d+)", message)
        holder = f"process {process.group(1)}" if process else "another process"
        return CardwatchError(
            f"the warehouse is open in {holder}; close it there and run again"
            " (BI tools read the published copy, never the warehouse)"
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return CardwatchError(
            "the step needs more memory than it may use; "
            "raise CARDWATCH_MEMORY_LIMIT (for example to 8GB) and run again"
        )
    return None


def is_damaged(error: duckdb.Error) -> bool:
    """Say whether DuckDB met a file whose bytes were lost or changed."""
    return _DAMAGED_WORDS.search(str(error)) is not None


def _cannot_be_opened(home: Home, error: duckdb.Error) -> CardwatchError:
    reason = str(error).rpartition(": ")[2].lower()
    return CardwatchError(
        f"{home.warehouse} cannot be opened ({reason}); check the path, your rights to it and "
        f"that DuckDB {duckdb.__version__} wrote it"
    )


def disk_full() -> CardwatchError:
    """Return what to say when there is no room left."""
    return CardwatchError(
        "the disk is full; free space (or point CARDWATCH_HOME to a larger disk) and run again, "
        "nothing half-done was kept"
    )
