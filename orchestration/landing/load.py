"""From files in the landing folder to rows in raw or in quarantine; nothing is lost between.

A file is read as text, whatever its format, and typed by SQL, so that a value which cannot be
read puts its own row into quarantine and no other. A file's rows, its quarantined rows and its
manifest entry become visible in one transaction.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file
from orchestration.engine.home import Home
from orchestration.engine.rows import one_value
from orchestration.engine.warehouse import explain_database_error
from orchestration.landing.feeds import (
    LOAD_COLUMNS,
    RAW_SCHEMA,
    Column,
    Feed,
    find_feed,
    read_feeds,
)
from orchestration.landing.file import (
    PIECE,
    BrokenLine,
    CheckedFile,
    check_file,
    hash_file,
    masked,
    read_pieces,
)

# Files of one feed are read together up to this size.
BATCH_BYTES = 4_000_000

_RAW_TABLES = """
    create schema if not exists raw;
    create table if not exists raw.load_manifest (
        load_id bigint, source varchar, feed varchar, file varchar, file_hash varchar,
        rows_loaded bigint, rows_quarantined bigint, first_day date, last_day date,
        loaded_at timestamp
    );
    create table if not exists raw.quarantine (
        load_id bigint, source varchar, feed varchar, file varchar, file_hash varchar,
        line bigint, reason varchar, original_text varchar, loaded_at timestamp
    );
    create table if not exists raw.run_state (
        completed_load_id bigint default 0, completed_until date,
        requested_since date, requested_until date, audit_seed varchar
    );
    create table if not exists raw.canary_plan (
        seed integer, canaries_per_rule integer, days integer
    );
    create table if not exists raw.canary_results (
        measured_at timestamp, measured_until date, seed integer, rule_id varchar,
        rule_version varchar, canary_id varchar, is_caught boolean, is_suppressed boolean
    );
    alter table raw.run_state add column if not exists waiting_since date;
    insert into raw.run_state (completed_load_id)
    select 0 where not exists (from raw.run_state);
"""

# How a text is read as each type; null when it is not one. DuckDB's own casts are wider: they
# round 2.7 to 3 attendees, take 'infinity' for a time and drop a time zone without a word.
_MACROS = r"""
    create or replace temp macro is_blank(value) as coalesce(trim(value) = '', true);
    create or replace temp macro readable_varchar(value) as
        case when not is_blank(value) then value end;
    create or replace temp macro readable_double(value) as
        case when isfinite(try_cast(value as double)) then try_cast(value as double) end;
    create or replace temp macro readable_bigint(value) as
        case when regexp_full_match(value, '\s*[+-]?\d+(\.0*)?\s*')
            then try_cast(value as bigint) end;
    create or replace temp macro readable_integer(value) as
        try_cast(readable_bigint(value) as integer);
    create or replace temp macro readable_boolean(value) as try_cast(trim(value) as boolean);
    create or replace temp macro readable_timestamp(value) as
        case when regexp_full_match(
            value, '\s*[1-9]\d{3}[-/]\d\d?[-/]\d\d?([ T]\d\d?:\d\d(:\d\d(\.\d*)?)?)?\s*'
        ) then try_cast(trim(value) as timestamp) end;
    create or replace temp macro readable_date(value) as
        try_cast(readable_timestamp(value) as date);

    -- A card number as a person or a spreadsheet may have written it: 13 to 19 digits with
    -- spaces, dashes or dots between, perhaps as a float; the Luhn sum tells it from other numbers.
    create or replace temp macro card_digits(value) as regexp_replace(
        regexp_replace(trim(value), '\.0+$', ''), '[\s\pZ\p{Pd}._/]', '', 'g'
    );
    create or replace temp macro luhn_sum(digits) as list_sum(list_transform(
        range(1, length(digits) + 1),
        lambda place: case
            when place % 2 = 1 then substr(digits, -place, 1)::int
            else substr(digits, -place, 1)::int * 2 % 10 + substr(digits, -place, 1)::int // 5
        end
    ));
    create or replace temp macro is_card_number(value) as case
        when regexp_full_match(card_digits(value), '\d{13,19}')
            then luhn_sum(card_digits(value)) % 10 = 0
        else false
    end;
"""

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
_LOAD, _LINE, _FAULT = '"#load"', '"#line"', '"#fault"'
_CLEAR_CARD_NUMBER = "#card"

# A file to load, with the number of its load.
_Numbered: TypeAlias = tuple[int, CheckedFile]

_Days: TypeAlias = tuple[date | None, date | None]


@dataclass(frozen=True)
class LoadedFile:
    """What one load did; the same figures are in raw.load_manifest."""

    load_id: int
    source: str
    feed: str
    file: str
    file_hash: str
    rows_loaded: int
    rows_quarantined: int
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True)
class LandedFile:
    """What became of one file that was to be copied into the landing folder."""

    file: Path
    landed_as: Path
    already_landed: bool
    ignored_columns: tuple[str, ...]


def prepare_raw(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Feed]) -> None:
    """Create the raw schema and its tables, and add the columns that a source yml has gained."""
    connection.execute(_RAW_TABLES)
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


def load_landed(
    connection: duckdb.DuckDBPyConnection, home: Home, feeds: Sequence[Feed]
) -> list[LoadedFile]:
    """Load every landed file that is not in the manifest, in order of source, feed and name.

    All new files are checked before the first is loaded; each is loaded in one transaction.
    """
    try:
        # A cursor of its own: the temporary tables end with it.
        with connection.cursor() as cursor:
            return _load_new_files(cursor, home, feeds)
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
        (source, feed): {
            hash_file(path) for path in _visible(home.landing / source / feed) if path.is_file()
        }
        for source, feed in {(source, feed) for _, source, feed, *_ in unfinished}
    }
    removed = []
    connection.begin()
    try:
        for load_id, source, feed, file, file_hash, first_day in unfinished:
            if file_hash in landed[source, feed] or (source, feed) not in by_name:
                continue
            rows = f"{_raw(by_name[source, feed])} where _load_id"
            for what in (rows, "raw.quarantine where load_id", "raw.load_manifest where load_id"):
                connection.execute(f"delete from {what} = ?", [load_id])  # noqa: S608
            connection.execute(
                "update raw.run_state set requested_since = least(requested_since, ?)", [first_day]
            )
            removed.append(file)
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a failed commit has already rolled back
            connection.rollback()
        raise
    return removed


def copy_to_landing(home: Home, files: Sequence[Path], source: str, feed: str) -> list[LandedFile]:
    """Copy files into the landing folder of a feed; every file is checked before the first copy.

    A file whose content is already there is left alone. A name that is taken by other content
    gets a piece of the content's hash.
    """
    declared = find_feed(read_feeds(), source, feed)
    checked = [check_file(path, declared) for path in files]
    folder = home.landing / source / feed
    folder.mkdir(parents=True, exist_ok=True)
    return [_copy(file, folder) for file in checked]


def read_rows(files: Sequence[CheckedFile]) -> list[list[dict[str, Any]]]:
    """Type the rows of files of one feed as a load would, without loading them; by file.

    A row has its line as "line"; what a load would put into quarantine is left out.
    """
    rows: list[list[dict[str, Any]]] = []
    with duckdb.connect() as connection:
        connection.execute(_MACROS)
        for batch in _batches(list(enumerate(files))):
            _stage(connection, batch)
            columns = [column.name for column in batch[0][1].feed.columns]
            found: dict[int, list[dict[str, Any]]] = {number: [] for number, _ in batch}
            names = ", ".join(f'"{name}"' for name in columns)
            query = f"select {_LOAD}, {_LINE}, {names} from temp.typed where {_FAULT} is null"  # noqa: S608
            for number, line, *values in connection.execute(query).fetchall():
                found[number].append({"line": line, **dict(zip(columns, values, strict=True))})
            rows += found.values()
    return rows


# --- the landing folder ---------------------------------------------------------------------------


def _check_new_files(
    home: Home, feeds: Sequence[Feed], loaded: set[tuple[str, str, str]]
) -> list[CheckedFile]:
    seen = set(loaded)
    new_files = []
    for path, feed in landed_files(home, feeds):
        file_hash = hash_file(path)
        if (feed.source, feed.feed, file_hash) not in seen:
            seen.add((feed.source, feed.feed, file_hash))
            new_files.append(check_file(path, feed, file_hash))
    return new_files


def landed_files(home: Home, feeds: Sequence[Feed]) -> list[tuple[Path, Feed]]:
    """Every landed file with the feed whose folder it is in.

    Raises CardwatchError for a file, or a folder, that belongs to no feed.
    """
    by_folder = {(feed.source, feed.feed): feed for feed in feeds}
    folders = {*by_folder, *((feed.source,) for feed in feeds)}
    files = []
    for path in _visible(home.landing):
        place = path.relative_to(home.landing).parts
        if path.is_dir() and place in folders:
            continue
        if not path.is_file() or len(place) != 3 or place[:2] not in by_folder:
            raise CardwatchError(
                f"{path} is not a file in the folder <source>/<feed> of a declared feed; "
                "move it to one (`cardwatch land` does), or declare the feed in models/staging"
            )
        files.append((path, by_folder[place[:2]]))
    return files


def _visible(folder: Path) -> Iterator[Path]:
    """Everything below a folder in a stable order, but hidden names: copies in progress are."""
    for path in sorted(folder.iterdir()) if folder.exists() else ():
        if not path.name.startswith("."):
            yield path
            if path.is_dir():
                yield from _visible(path)


def _copy(file: CheckedFile, folder: Path) -> LandedFile:
    declared = {column.name for column in file.feed.columns}
    ignored = tuple(name for name in file.header if name not in declared)
    size = file.path.stat().st_size
    for present in _visible(folder):
        # Only a file of the same size is worth reading.
        if present.stat().st_size == size and hash_file(present) == file.file_hash:
            return LandedFile(file.path, present, True, ignored)
    target = folder / file.path.name.lstrip(".")
    if target.exists():
        target = target.with_stem(f"{target.stem}-{file.file_hash[:8]}")
    _place(file.path, target)
    return LandedFile(file.path, target, False, ignored)


def place_folder(prepared: Path, target: Path, replace: bool = False) -> int:
    """Copy the files of a prepared folder to where only the same files may lie; count new ones.

    With `replace`, other files may lie there, and those of the same names give way.
    """
    files = {path.relative_to(prepared) for path in _visible(prepared) if path.is_file()}
    present = {path.relative_to(target) for path in _visible(target) if path.is_file()}
    same = {
        file for file in files & present if hash_file(prepared / file) == hash_file(target / file)
    }
    if not replace and present != same:
        raise CardwatchError(
            f"{target} already holds other files, such as {min(present - same)}; "
            "empty that folder or set CARDWATCH_HOME to another one"
        )
    for file in sorted(files - same):
        _place(prepared / file, target / file)
    return len(files - same)


def _place(file: Path, target: Path) -> None:
    """Copy a file so that its name appears only when all of it is there."""
    with whole_file(target) as unfinished:
        shutil.copyfile(file, unfinished)


# --- loading --------------------------------------------------------------------------------------


def _load_new_files(
    connection: duckdb.DuckDBPyConnection, home: Home, feeds: Sequence[Feed]
) -> list[LoadedFile]:
    manifest = connection.execute("select source, feed, file_hash from raw.load_manifest")
    new_files = _check_new_files(home, feeds, set(manifest.fetchall()))
    last = one_value(connection, "select coalesce(max(load_id), 0) from raw.load_manifest")
    numbered = list(enumerate(new_files, start=last + 1))
    connection.execute(_MACROS)
    loaded = []
    for batch in _batches(numbered):
        rows_read = _stage(connection, batch)
        days = _new_days(connection, batch[0][1].feed)
        for load_id, file in batch:
            new_days = days.get(load_id, (None, None))
            loaded.append(_load(connection, load_id, file, rows_read[load_id], new_days))
    return loaded


def _batches(files: list[_Numbered]) -> Iterator[list[_Numbered]]:
    """Divide files into runs that one statement types: planning it costs more than a small file."""
    batch: list[_Numbered] = []
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


def _stage(connection: duckdb.DuckDBPyConnection, batch: list[_Numbered]) -> Counter[int]:
    """Read files into the temporary tables `typed` and `faulty`; count the rows of each."""
    feed, header = batch[0][1].feed, batch[0][1].header
    columns = ", ".join(f'"{column.name}" {column.data_type}' for column in feed.columns)
    connection.execute(
        "create or replace temp table typed"
        f" ({_LOAD} bigint, {_LINE} bigint, {columns}, {_FAULT} varchar);"
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
    batch: list[_Numbered], rows_read: Counter[int]
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


def _load(
    connection: duckdb.DuckDBPyConnection,
    load_id: int,
    file: CheckedFile,
    rows_read: int,
    days: _Days,
) -> LoadedFile:
    """Move one staged file into raw, quarantine and manifest, all or nothing."""
    feed = file.feed
    columns = ", ".join(f'"{column.name}"' for column in feed.columns)
    origin = [load_id, feed.source, feed.feed, file.path.name, file.file_hash]
    loaded_at = datetime.now(UTC).replace(tzinfo=None)
    connection.begin()
    try:
        rows_loaded = one_value(
            connection,
            f"insert into {_raw(feed)} ({columns}, {', '.join(LOAD_COLUMNS)})"  # noqa: S608
            f" select {columns}, {_LOAD}, ?, ?, {_LINE}, ?"
            f" from temp.typed where {_LOAD} = ? and {_FAULT} is null",
            [file.path.name, file.file_hash, loaded_at, load_id],
        )
        rows_quarantined = one_value(
            connection,
            "insert into raw.quarantine select ?, ?, ?, ?, ?, line, reason, original_text, ?"
            " from temp.faulty where load_id = ?",
            [*origin, loaded_at, load_id],
        )
        if rows_loaded + rows_quarantined != rows_read:
            raise RuntimeError(
                f"{file.path} has {rows_read} rows, but {rows_loaded} would be loaded and "
                f"{rows_quarantined} quarantined"
            )
        one_value(
            connection,
            "insert into raw.load_manifest values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*origin, rows_loaded, rows_quarantined, *days, loaded_at],
        )
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a failed commit has already rolled back
            connection.rollback()
        raise
    return LoadedFile(
        load_id,
        feed.source,
        feed.feed,
        file.path.name,
        file.file_hash,
        rows_loaded,
        rows_quarantined,
        *days,
    )


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
            select {_LOAD}, {_LINE}, {texts}, {typed}
            from (select {_LOAD}, {_LINE}, {as_text} from piece)
        )
    """  # noqa: S608 - identifiers only, validated in sources.py
    select_faulty = f"""
        select {_LOAD}, {_LINE}, {_FAULT}, {as_text}
        from piece inner join temp.typed using ({_LOAD}, {_LINE})
        where {_FAULT} is not null
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


def _new_days(connection: duckdb.DuckDBPyConnection, feed: Feed) -> dict[int, _Days]:
    """First and last day that each staged load brings something new for.

    A row that raw holds already, word for word, is not new, unless a later load said something
    else of the same subject (the feed's first column); nor is one that an earlier load of the
    batch brings.
    """
    subject = f'"{feed.columns[0].name}"'
    columns = ", ".join(f'"{column.name}"' for column in feed.columns)
    event = f'"{feed.event_column}"'
    same = " and ".join(
        f'fresh."{column.name}" is not distinct from held."{column.name}"'
        for column in feed.columns
    )
    found = connection.execute(f"""
        with fresh as (
            select {columns}, min({_LOAD}) as {_LOAD}
            from temp.typed
            where {_FAULT} is null
            group by {columns}
        )
        select {_LOAD}, min({event})::date, max({event})::date
        from fresh
        anti join (
            select {columns} from {_raw(feed)} as earlier
            join (
                select {subject}, max(_load_id) as latest_load_id from {_raw(feed)}
                where {subject} in (select {subject} from fresh)
                group by {subject}
            ) as latest using ({subject})
            where {event} between (select min({event}) from fresh)
                and (select max({event}) from fresh)
                and earlier._load_id = latest.latest_load_id
        ) as held on {same}
        group by {_LOAD}
    """)  # noqa: S608
    return {load_id: (first_day, last_day) for load_id, first_day, last_day in found.fetchall()}


def _raw(feed: Feed) -> str:
    return f'{RAW_SCHEMA}."{feed.table}"'
