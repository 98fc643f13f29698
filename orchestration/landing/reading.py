"""From the texts of a file to typed rows, and to a reason for each row that cannot be typed.

A file is read as text, whatever its format, and typed by SQL, so that a value which cannot be
read puts its own row into quarantine and no other.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.engine.home import project_root
from orchestration.landing.card_numbers import card_key, define_functions
from orchestration.landing.feeds import Column, Feed
from orchestration.landing.file import CheckedFile, read_pieces
from orchestration.landing.glance import is_simple
from orchestration.landing.pieces import PIECE, BrokenLine, ahead
from orchestration.landing.reasons import in_words, worded
from orchestration.landing.repeated import with_values
from orchestration.landing.values import (
    Text,
    beyond,
    holds_card_number,
    holds_time,
    is_native,
    text_of,
    token_list,
    typed,
    unreadable,
)

# Files of one feed are read together up to this size.
BATCH_BYTES = 4_000_000

# Columns of the temporary tables, under names which no yml can declare. The fault of a row is what
# is wrong and the column, such as "unreadable:amount" (reasons.py).
LOAD, LINE, FAULT, HAS_TIME = '"#load"', '"#line"', '"#fault"', '"#has_time"'

# A file to load, with the number of its load.
Numbered: TypeAlias = tuple[int, CheckedFile]


def read_rows(files: Sequence[CheckedFile]) -> list[list[dict[str, Any]]]:
    """Type the rows of files of one feed as a load would, without loading them; by file.

    A row has its line as "line"; what a load would put into quarantine is left out.
    """
    rows: list[list[dict[str, Any]]] = []
    with duckdb.connect() as connection:
        define_macros(connection)
        for batch in in_batches(list(enumerate(files))):
            stage(connection, batch)
            columns = [column.name for column in batch[0][1].feed.columns]
            found: dict[int, list[dict[str, Any]]] = {number: [] for number, _ in batch}
            names = ", ".join(f'"{name}"' for name in columns)
            query = f"select {LOAD}, {LINE}, {names} from temp.typed where {FAULT} is null"  # noqa: S608
            for number, line, *values in connection.execute(query).fetchall():
                found[number].append({"line": line, **dict(zip(columns, values, strict=True))})
            rows += found.values()
    return rows


def define_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Define, for this connection, how a text is read as each type; `stage` needs it."""
    connection.execute("set variable seeds = $1", [str(project_root() / "seeds")])
    define_functions(connection)
    for name in ("readable.sql", "codes.sql"):
        connection.execute((Path(__file__).parent / name).read_text(encoding="utf-8"))


def in_batches(files: list[Numbered]) -> Iterator[list[Numbered]]:
    """Divide files into runs that one statement types: planning it costs more than a small file."""
    batch: list[Numbered] = []
    size = 0
    for load_id, file in files:
        size += file.path.stat().st_size
        alike = batch and (batch[0][1].feed, batch[0][1].header) == (file.feed, file.header)
        if batch and (not alike or size > BATCH_BYTES):
            yield batch
            batch, size = [], file.path.stat().st_size
        batch.append((load_id, file))
    if batch:
        yield batch


def stage(connection: duckdb.DuckDBPyConnection, batch: list[Numbered]) -> Counter[int]:
    """Read files into the temporary tables `typed` and `faulty`; count the rows of each.

    typed: load, line, the feed's columns, whether the event's text holds a time of day, and the
    fault of a row that could not be typed.
    faulty: load_id, line, reason and original_text of the rows that belong into quarantine.
    in_clear: load_id of files with a card number in any column, also one that is no feed's.
    """
    feed, header = batch[0][1].feed, batch[0][1].header
    if any(column.is_hashed for column in feed.columns):
        card_key()
    columns = ", ".join(f'"{column.name}" {column.data_type}' for column in feed.columns)
    connection.execute(
        "create or replace temp table typed"
        f" ({LOAD} bigint, {LINE} bigint, {columns}, {HAS_TIME} boolean, {FAULT} varchar);"
        "create or replace temp table faulty"
        " (load_id bigint, line bigint, reason varchar, original_text varchar);"
        "create or replace temp table in_clear (load_id bigint)"
    )
    rows_read: Counter[int] = Counter()
    for rows, faulty in ahead(_pieces(batch, rows_read)):
        seen, text = _look(connection, feed, header, rows)
        connection.register("piece", seen)
        connection.execute(_insert_typed(feed, header, text))
        if in_clear := _insert_in_clear(feed, rows):
            connection.execute(in_clear)
        for load_id, line, fault, *texts in connection.execute(_select_faulty(header)).fetchall():
            faulty.append((load_id, worded(feed, header, line, fault, texts)))
        connection.register("faulty_piece", _faulty_table(faulty))
        connection.execute("insert into temp.faulty from faulty_piece")
    _forget_times_that_are_all_midnight(connection, feed)
    return rows_read


def loads_in_clear(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """The staged loads whose files show a card number."""
    found = connection.execute("select distinct load_id from temp.in_clear").fetchall()
    return {load_id for (load_id,) in found}


def _pieces(
    batch: list[Numbered], rows_read: Counter[int]
) -> Iterator[tuple[pa.Table, list[tuple[int, BrokenLine]]]]:
    """Read files piece by piece, with their load in "#load"; small pieces come as one."""
    tables: list[pa.Table] = []
    broken: list[tuple[int, BrokenLine]] = []
    for load_id, file in batch:
        for piece in read_pieces(file):
            rows_read[load_id] += piece.rows.num_rows + len(piece.broken)
            rows = piece.rows.append_column("#load", pa.repeat(load_id, piece.rows.num_rows))
            full = sum(table.num_rows for table in tables) + rows.num_rows > PIECE
            # Parquet files of one feed may disagree about the type of a column.
            if tables and (full or rows.schema != tables[0].schema):
                yield pa.concat_tables(tables), broken
                tables, broken = [], []
            tables.append(rows)
            broken += [(load_id, line) for line in piece.broken]
    if tables:
        yield pa.concat_tables(tables), broken


def _look(
    connection: duckdb.DuckDBPyConnection, feed: Feed, header: Sequence[str], piece: pa.Table
) -> tuple[pa.Table, dict[str, Text]]:
    """What is known of the texts of each column, by name; the piece gains what was read already.

    The name of a text has quotes which no declared name has.
    """
    seen, found = piece, {}
    for column in feed.columns:
        if column.name not in header:
            continue
        texts = piece.column(header.index(column.name))
        is_text = pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type)
        text = Text(
            f'"{column.name}#"',
            is_number=not is_text,
            is_simple=is_simple(texts),
            is_native=is_native(column, texts.type, feed.layout),
        )
        read = with_values(connection, feed, column, seen, texts, text)
        seen = seen if read is None else read
        found[column.name] = text if read is None else replace(text, is_read=True)
    return seen, found


def _insert_typed(feed: Feed, header: Sequence[str], text: dict[str, Text]) -> str:
    """The statement that types the texts of `piece`."""
    place = {name: f'"#{position}"' for position, name in enumerate(header)}
    present = [column for column in feed.columns if column.name in place]
    native = {place[name] for name, each in text.items() if each.is_native}
    raw_texts = "".join(
        f", {at}" if at in native else f", {at}::varchar as {at}" for at in place.values()
    )
    read = "".join(
        f', "{column.name}=", "{column.name}!"' for column in present if text[column.name].is_read
    )
    texts = "".join(
        f", {text_of(column, place[column.name], place.get(column.time or ''), feed.layout)}"
        f" as {text[column.name].sql}"
        for column in present
    )

    def value(column: Column) -> str:
        if column.name not in text:
            return f'null::{column.data_type} as "{column.name}"'
        return f'{typed(column, text[column.name], feed)} as "{column.name}"'

    values = ", ".join(value(column) for column in feed.columns)
    has_time = holds_time(text[feed.event_column], feed.layout)
    today = date.today().isoformat()
    faults = [
        *(
            (condition, "card", column)
            for column in present
            if (condition := holds_card_number(column, text[column.name], feed))
        ),
        *((unreadable(column, text[column.name]), "unreadable", column) for column in present),
        *(
            (condition, fault, column)
            for column in present
            for condition, fault in beyond(column, feed, today)
        ),
    ]
    cases = " ".join(f"when {test} then '{fault}:{column.name}'" for test, fault, column in faults)
    names = ", ".join(f'"{column.name}"' for column in feed.columns)
    kept = ", ".join(each.sql for each in text.values())
    return f"""
        insert into temp.typed
        select {LOAD}, {LINE}, {names}, {HAS_TIME}, case {cases} end
        from (
            select {LOAD}, {LINE}, {kept}{read}, {values}, {has_time} as {HAS_TIME}
            from (
                select {LOAD}, {LINE}{texts}{read}
                from (select {LOAD}, {LINE}{raw_texts}{read} from piece)
            )
        )
    """  # noqa: S608 - identifiers only, validated in feeds.py


def _select_faulty(header: Sequence[str]) -> str:
    """The query for the faulty rows of `piece` as text."""
    as_text = ", ".join(f'"#{at}"::varchar' for at in range(len(header)))
    return f"""
        select {LOAD}, {LINE}, {FAULT}, {as_text}
        from piece inner join temp.typed using ({LOAD}, {LINE})
        where {FAULT} is not null
    """  # noqa: S608


def _insert_in_clear(feed: Feed, piece: pa.Table) -> str | None:
    """The statement that notes which files of the piece show a card number, where any may."""
    tokens = token_list(feed)
    tests = [
        f'shows_card_number("{name}"::varchar, {tokens})'
        for name, texts in zip(piece.column_names, piece.columns, strict=True)
        if name not in ("#load", "#line")
        and (pa.types.is_integer(texts.type) or pa.types.is_string(texts.type))
        and not is_simple(texts)
    ]
    if not tests:
        return None
    return f"insert into temp.in_clear select distinct {LOAD} from piece where {' or '.join(tests)}"  # noqa: S608


def _forget_times_that_are_all_midnight(connection: duckdb.DuckDBPyConnection, feed: Feed) -> None:
    """A file in which every time is midnight holds days, whatever it writes behind them."""
    event = f'"{feed.event_column}"'
    connection.execute(f"""
        update temp.typed set {HAS_TIME} = false
        where {HAS_TIME} and {LOAD} in (
            select {LOAD} from temp.typed
            where {HAS_TIME} and {event} is not null
            group by {LOAD}
            having bool_and({event} = date_trunc('day', {event}))
        )
    """)  # noqa: S608


def original_texts(file: CheckedFile, lines: Collection[int]) -> dict[int, str]:
    """Read a file again for what some of its rows say, as quarantine keeps it; by line."""
    wanted = pa.array(sorted(lines), pa.int64())
    found: dict[int, str] = {}
    for piece in read_pieces(file):
        rows = piece.rows.filter(pc.is_in(piece.rows["#line"].cast(pa.int64()), wanted))
        as_text = [rows[f"#{at}"].cast(pa.string()).to_pylist() for at in range(len(file.header))]
        for line, *texts in zip(rows["#line"].to_pylist(), *as_text, strict=True):
            found[line] = in_words(file.header, texts)
    return found


def _faulty_table(faulty: Sequence[tuple[int, BrokenLine]]) -> pa.Table:
    rows = [
        {"load": load_id, "line": row.line, "reason": row.reason, "text": row.text}
        for load_id, row in faulty
    ]
    types = {"load": pa.int64(), "line": pa.int64(), "reason": pa.string(), "text": pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema(types))
