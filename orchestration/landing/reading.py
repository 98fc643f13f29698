"""From the texts of a file to typed rows, and to a reason for each row that cannot be typed.

A file is read as text, whatever its format, and typed by SQL, so that a value which cannot be
read puts its own row into quarantine and no other.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

from orchestration.landing.feeds import Column, Feed
from orchestration.landing.file import CheckedFile, read_pieces
from orchestration.landing.pieces import PIECE, BrokenLine, masked

# Files of one feed are read together up to this size.
BATCH_BYTES = 4_000_000

# What the data types of the source yml ask for, in the words of a quarantine reason.
_WANTED = {
    "VARCHAR": "text (VARCHAR)",
    "DOUBLE": "a number (DOUBLE)",
    "INTEGER": "a whole number (INTEGER)",
    "BIGINT": "a whole number (BIGINT)",
    "BOOLEAN": "true or false (BOOLEAN)",
    "TIMESTAMP": "a local time such as 2025-01-31 18:05:00, without time zone (TIMESTAMP)",
    "DATE": "a day such as 2025-01-31 (DATE)",
}

# Columns of the temporary tables, under names which no yml can declare. The fault of a row is the
# name of the column that cannot be read, or _CLEAR_CARD_NUMBER.
LOAD, LINE, FAULT = '"#load"', '"#line"', '"#fault"'
_CLEAR_CARD_NUMBER = "#card"

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
    connection.execute((Path(__file__).parent / "readable.sql").read_text(encoding="utf-8"))


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

    typed: load, line, the feed's columns, and the fault of a row that could not be typed.
    faulty: load_id, line, reason and original_text of the rows that belong into quarantine.
    """
    feed, header = batch[0][1].feed, batch[0][1].header
    columns = ", ".join(f'"{column.name}" {column.data_type}' for column in feed.columns)
    connection.execute(
        "create or replace temp table typed"
        f" ({LOAD} bigint, {LINE} bigint, {columns}, {FAULT} varchar);"
        "create or replace temp table faulty"
        " (load_id bigint, line bigint, reason varchar, original_text varchar)"
    )
    insert_typed, select_faulty = _typing_queries(feed, header)
    rows_read: Counter[int] = Counter()
    for rows, faulty in _pieces(batch, rows_read):
        connection.register("piece", rows)
        connection.execute(insert_typed)
        for load_id, line, fault, *texts in connection.execute(select_faulty).fetchall():
            faulty.append((load_id, _worded(feed, header, line, fault, texts)))
        connection.register("faulty_piece", _faulty_table(faulty))
        connection.execute("insert into temp.faulty from faulty_piece")
    return rows_read


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


def _typing_queries(feed: Feed, header: Sequence[str]) -> tuple[str, str]:
    """The statement that types the texts of `piece`, and the query for its faulty rows as text."""
    place = {name: f'"#{position}"' for position, name in enumerate(header)}
    texts = ", ".join(f'"#{position}"' for position in range(len(header)))
    as_text = ", ".join(f'"#{at}"::varchar as "#{at}"' for at in range(len(header)))
    typed = ", ".join(_typed(column, place.get(column.name)) for column in feed.columns)
    present = [(column, place[column.name]) for column in feed.columns if column.name in place]
    faults = [
        f"when is_card_number({text}) then '{_CLEAR_CARD_NUMBER}'"
        for column, text in present
        if column.card_number
    ] + [f"when {_unreadable(column, text)} then '{column.name}'" for column, text in present]
    insert_typed = f"""
        insert into temp.typed
        select * exclude ({texts}), case {" ".join(faults)} end
        from (
            select {LOAD}, {LINE}, {texts}, {typed}
            from (select {LOAD}, {LINE}, {as_text} from piece)
        )
    """  # noqa: S608 - identifiers only, validated in feeds.py
    select_faulty = f"""
        select {LOAD}, {LINE}, {FAULT}, {as_text}
        from piece inner join temp.typed using ({LOAD}, {LINE})
        where {FAULT} is not null
    """  # noqa: S608
    return insert_typed, select_faulty


def _typed(column: Column, text: str | None) -> str:
    if text is None:
        return f'null::{column.data_type} as "{column.name}"'
    return f'readable_{column.data_type.lower()}({text}) as "{column.name}"'


def _unreadable(column: Column, text: str) -> str:
    present = "" if column.required else f" and not is_blank({text})"
    return f'"{column.name}" is null{present}'


def _worded(
    feed: Feed, header: tuple[str, ...], line: int, fault: str, texts: Sequence[str | None]
) -> BrokenLine:
    """Say what is wrong with a row that could not be typed, and keep all its words."""
    words = {}
    for position, (name, text) in enumerate(zip(header, texts, strict=True), start=1):
        # Columns that the feed does not have may share a name.
        key = name if header.count(name) == 1 else f"{name} ({position})"
        words[masked(key)] = text and masked(text)
    original = json.dumps(words, ensure_ascii=False)
    if fault == _CLEAR_CARD_NUMBER:
        return BrokenLine(line, "card number in clear; send a token instead", original)
    text = texts[header.index(fault)]
    if text is None or not text.strip(" "):
        return BrokenLine(line, f"{fault} is missing", original)
    data_type = next(column.data_type for column in feed.columns if column.name == fault)
    value = masked(text)
    shown = value if len(value) <= 60 else f"{value[:60]}…"
    return BrokenLine(line, f"{fault} '{shown}' is not {_WANTED[data_type]}", original)


def _faulty_table(faulty: Sequence[tuple[int, BrokenLine]]) -> pa.Table:
    rows = [
        {"load": load_id, "line": row.line, "reason": row.reason, "text": row.text}
        for load_id, row in faulty
    ]
    types = {"load": pa.int64(), "line": pa.int64(), "reason": pa.string(), "text": pa.string()}
    return pa.Table.from_pylist(rows, schema=pa.schema(types))
