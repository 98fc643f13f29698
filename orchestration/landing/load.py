"""Landed files become rows of raw, or of the quarantine; nothing is lost between.

The rows of files that are loaded together, their quarantined rows and their manifest entries become
visible in one transaction.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.rows import one_value
from orchestration.engine.warehouse import explain_database_error, memory_at_most, transaction
from orchestration.landing.clear_numbers import masked_in_place
from orchestration.landing.feeds import LOAD_COLUMNS, RAW_SCHEMA, Feed
from orchestration.landing.file import CheckedFile, check_file, hash_file
from orchestration.landing.folder import landed_files, landed_hashes
from orchestration.landing.history import Content, EarlierLoad, check_history, numbered
from orchestration.landing.keys import key_expression, name_rows, set_aside
from orchestration.landing.news import News
from orchestration.landing.reading import (
    FAULT,
    HAS_TIME,
    LINE,
    LOAD,
    Numbered,
    define_macros,
    in_batches,
    loads_in_clear,
    stage,
)

# Mebibytes that the database holds while it loads; a file that needs more is spilled.
MEMORY = 1024


@dataclass(frozen=True)
class LoadedFile:
    """The result of one load; the same figures are in raw.load_manifest."""

    load_id: int
    source: str
    feed: str
    file: str
    file_hash: str
    rows_loaded: int
    rows_quarantined: int
    rows_new: int
    rows_corrected: int
    rows_replaced: int
    rows_unchanged: int
    first_day: date | None
    last_day: date | None


def prepare_raw(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Feed]) -> None:
    """Create the raw schema and its tables, and add the columns that a source yml has gained."""
    connection.execute((Path(__file__).parent / "raw.sql").read_text(encoding="utf-8"))
    existing: dict[str, dict[str, str]] = {}
    for table, column, data_type in connection.execute(
        "select table_name, column_name, data_type from duckdb_columns()"
        " where database_name = current_database() and schema_name = ?",
        [RAW_SCHEMA],
    ).fetchall():
        existing.setdefault(table, {})[column] = data_type
    for feed in feeds:
        declared = {column.name: column.data_type for column in feed.columns} | LOAD_COLUMNS
        if feed.table not in existing:
            columns = ", ".join(f'"{name}" {data_type}' for name, data_type in declared.items())
            connection.execute(f"create table {_raw(feed)} ({columns})")
            continue
        for name, data_type in declared.items():
            found = existing[feed.table].get(name)
            if found is None:
                connection.execute(f'alter table {_raw(feed)} add column "{name}" {data_type}')
            elif found != data_type:
                raise CardwatchError(
                    f"raw.{feed.table}.{name} is {found} in the warehouse and {data_type} in the "
                    "source yml; give the column a new name, or move the warehouse away and "
                    "run again to load every landed file anew"
                )
    name_rows(connection, feeds)


def load_landed(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    feeds: Sequence[Feed],
    earlier: Sequence[EarlierLoad] = (),
) -> list[LoadedFile]:
    """Load every landed file that is not in the manifest, in order of source, feed and name.

    All new files are checked before the first is loaded; small ones share a transaction.
    earlier: the loads that runs have finished with. Their files must be as they were, and a
    warehouse that lacks them loads them first, under their numbers.
    """
    try:
        # A cursor of its own: the temporary tables end with it.
        with connection.cursor() as cursor, memory_at_most(cursor, MEMORY):
            return _load_new_files(cursor, home, feeds, earlier)
    except (duckdb.Error, OSError) as error:
        explained = explain_database_error(error)
        if explained is None:
            raise
        raise explained from error


def take_back_removed(
    connection: duckdb.DuckDBPyConnection, home: Home, feeds: Sequence[Feed]
) -> list[str]:
    """Take back loads whose files left the landing folder before a run was finished with them.

    That is how a file which a check refuses is got rid of: it is moved away, or a corrected one
    put in its place. What may have been built of its rows is built anew. Returns the files' names.
    """
    by_name = {(feed.source, feed.feed): feed for feed in feeds}
    unfinished = connection.execute(
        "select load_id, source, feed, file, file_hash, first_day from raw.load_manifest"
        " where load_id > (select completed_load_id from raw.run_state) order by load_id"
    ).fetchall()
    landed = {
        (source, feed): landed_hashes(home, source, feed)
        for source, feed in {(source, feed) for _, source, feed, *_ in unfinished}
    }
    removed = []
    with transaction(connection):
        for load_id, source, feed, file, file_hash, first_day in unfinished:
            if file_hash in landed[source, feed] or (source, feed) not in by_name:
                continue
            take_back(connection, by_name[source, feed], load_id, first_day)
            removed.append(file)
    return removed


def take_back(
    connection: duckdb.DuckDBPyConnection, feed: Feed, load_id: int, first_day: date | None
) -> None:
    """Undo a load that no run has finished with; what was built of its rows is built anew."""
    rows = f"{_raw(feed)} where _load_id"
    for what in (rows, "raw.quarantine where load_id", "raw.load_manifest where load_id"):
        connection.execute(f"delete from {what} = ?", [load_id])  # noqa: S608
    connection.execute(
        "update raw.run_state set requested_since = least(requested_since, ?)", [first_day]
    )


def _load_new_files(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    feeds: Sequence[Feed],
    earlier: Sequence[EarlierLoad],
) -> list[LoadedFile]:
    manifest = connection.execute("select source, feed, file_hash from raw.load_manifest")
    known = set(manifest.fetchall())
    new_files = _check_new_files(home, feeds, known, earlier)
    last = one_value(connection, "select coalesce(max(load_id), 0) from raw.load_manifest")
    times = {load.load_id: load.loaded_at for load in earlier}
    define_macros(connection)
    sources = {feed.source for feed in feeds}
    loaded = []
    for batch in in_batches(numbered(new_files, earlier, last)):
        rows_read = stage(connection, batch)
        if in_clear := loads_in_clear(connection):
            masked = [(at, masked_in_place(file) if at in in_clear else file) for at, file in batch]
            batch = [
                (at, file)
                for at, file in masked
                if (file.feed.source, file.feed.feed, file.file_hash) not in known
            ]
            if not batch:  # without its card numbers it was loaded before
                continue
            rows_read = stage(connection, batch)
        news = set_aside(connection, batch, rows_read, sources)
        loaded += _load(connection, batch, rows_read, news, times)
    return loaded


def _check_new_files(
    home: Home, feeds: Sequence[Feed], loaded: set[Content], earlier: Sequence[EarlierLoad]
) -> list[CheckedFile]:
    landed = [(path, feed, hash_file(path)) for path, feed in landed_files(home, feeds)]
    contents = [(path, (feed.source, feed.feed, file_hash)) for path, feed, file_hash in landed]
    check_history(home, feeds, contents, loaded, earlier)
    seen = set(loaded)
    new_files = []
    for path, feed, file_hash in landed:
        if (feed.source, feed.feed, file_hash) not in seen:
            seen.add((feed.source, feed.feed, file_hash))
            new_files.append(check_file(path, feed, file_hash))
    return new_files


def _load(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[Numbered],
    rows_read: Counter[int],
    news: dict[int, News],
    times: dict[int, datetime],
) -> list[LoadedFile]:
    """Move staged files into raw, quarantine and manifest, all or nothing.

    They share their statements and the transaction: each costs more than a small file.
    """
    feed = batch[0][1].feed
    columns = ", ".join(f'"{column.name}"' for column in feed.columns)
    now = datetime.now(UTC).replace(tzinfo=None)
    readable = f"select {LOAD} from temp.typed where {FAULT} is null"  # noqa: S608
    good = _rows_by_load(connection, readable)
    bad = _rows_by_load(connection, "select load_id from temp.faulty")
    loaded = [
        LoadedFile(
            load_id,
            *(feed.source, feed.feed, file.path.name, file.file_hash),
            *(good[load_id], bad[load_id]),
            *astuple(news.get(load_id, News())),
        )
        for load_id, file in batch
    ]
    manifest = [asdict(each) | {"loaded_at": times.get(each.load_id, now)} for each in loaded]
    connection.register("loads", _manifest_table(manifest))
    with transaction(connection):
        rows_loaded = one_value(
            connection,
            f"insert into {_raw(feed)} ({columns}, {', '.join(LOAD_COLUMNS)})"  # noqa: S608
            f" select {columns}, {LOAD}, _file, _file_hash, {LINE} as _line, _loaded_at,"
            f" {key_expression(feed)}, {HAS_TIME}"
            f" from temp.typed inner join (select load_id as {LOAD}, file as _file,"
            " file_hash as _file_hash, loaded_at as _loaded_at from loads)"
            f" using ({LOAD}) where {FAULT} is null",
        )
        rows_quarantined = one_value(
            connection,
            "insert into raw.quarantine select load_id, source, feed, file, file_hash, line,"
            " reason, original_text, loaded_at from temp.faulty inner join loads using (load_id)",
        )
        expected = sum(rows_read[load_id] for load_id, _ in batch)
        if rows_loaded + rows_quarantined != expected:
            raise RuntimeError(
                f"{batch[0][1].path} and those with it have {expected} rows, but {rows_loaded} "
                f"would be loaded and {rows_quarantined} quarantined"
            )
        one_value(connection, "insert into raw.load_manifest by name from loads")
    return loaded


def _rows_by_load(connection: duckdb.DuckDBPyConnection, loads: str) -> Counter[int]:
    counted = connection.execute(f"select *, count(*) from ({loads}) group by all")  # noqa: S608
    return Counter(dict(counted.fetchall()))


def _manifest_table(manifest: list[dict[str, Any]]) -> pa.Table:
    days = {name: pa.date32() for name in ("first_day", "last_day")}
    types = {"loaded_at": pa.timestamp("us"), **days}
    return pa.table(
        {name: pa.array([row[name] for row in manifest], types.get(name)) for name in manifest[0]}
    )


def _raw(feed: Feed) -> str:
    return f'{RAW_SCHEMA}."{feed.table}"'
