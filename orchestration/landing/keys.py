"""What names a row, and what becomes of a row whose name is no name, or comes again."""

from collections import Counter
from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from orchestration.engine.errors import CardwatchError
from orchestration.engine.warehouse import transaction
from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import RAW_SCHEMA, Feed
from orchestration.landing.file import CheckedFile
from orchestration.landing.folder import sent_as
from orchestration.landing.news import News, compare, content, count_news
from orchestration.landing.reading import FAULT, LINE, LOAD, Numbered, original_texts

# The name that a landed file was sent under, as `sent_as` says it.
SENT_AS = "replace(_file, '-' || left(_file_hash, 8), '')"

# From so many rows on, and from this share of a file's rows, bad keys are no accident of a row: the
# file is refused.
REFUSED_ROWS = 3
REFUSED_SHARE = 0.05

# What a spreadsheet leaves of a long number, and words that stand for "nothing here".
_SPREADSHEET_NUMBER = r"\s*[+-]?\d([.,]\d+[eE]\+?|[eE]\+)\d+\s*"
_NULL_WORDS = (
    *("", "-", "--", "n/a", "#n/a", "na", "nan", "nil", "null", "(null)", "none", "#null!"),
    *("#ref!", "#value!", "#name?", "\\n", "없음", "해당없음", "미상"),
)


def key_expression(feed: Feed, file: str = SENT_AS) -> str:
    """SQL for the identifier of a row, the load column `_key`, from the feed's key columns.

    It is <source>:<key>, with the file's name (`file` in SQL) before a key that holds within its
    file only; the key alone for a source whose identifiers are used as they are given. The macro
    key_of makes references alike.
    """
    parts = [f"coalesce(\"{name}\"::varchar, '')" for name in feed.key]
    if feed.key_holds == "file":
        parts.insert(0, file)
    # a ":" within a part but the last would be taken for the end of the part
    parts[:-1] = [f"replace(replace({part}, '%', '%25'), ':', '%3A')" for part in parts[:-1]]
    if not feed.as_given:
        parts.insert(0, f"'{feed.source}'")
    return " || ':' || ".join(parts)


def name_rows(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Feed]) -> None:
    """Give the rows that raw holds their key anew where a yml names other key columns than before.

    The days of these rows are built anew by the next run.
    """
    known = connection.execute("select source, feed, made_by from raw.feed_keys").fetchall()
    made_by = {(source, feed): expression for source, feed, expression in known}
    changed = [
        feed for feed in feeds if made_by.get((feed.source, feed.feed)) != key_expression(feed)
    ]
    for feed in changed:
        raw = f'{RAW_SCHEMA}."{feed.table}"'
        with transaction(connection):
            connection.execute(f"""
                update raw.run_state set requested_since = least(
                    requested_since,
                    (
                        select min("{feed.event_column}")::date from {raw}
                        where _key is distinct from {key_expression(feed)}
                    )
                );
                update {raw} set _key = {key_expression(feed)}
                where _key is distinct from {key_expression(feed)}
            """)  # noqa: S608 - identifiers only, validated in feeds.py
            connection.execute(
                "delete from raw.feed_keys where source = ? and feed = ?", [feed.source, feed.feed]
            )
            connection.execute(
                "insert into raw.feed_keys values (?, ?, ?)",
                [feed.source, feed.feed, key_expression(feed)],
            )


def set_aside(
    connection: duckdb.DuckDBPyConnection,
    batch: Sequence[Numbered],
    rows_read: Counter[int],
    sources: Iterable[str],
) -> dict[int, News]:
    """Move staged rows without a usable key into `faulty`; say what the others bring, by load.

    Rows of one file with one key and different content go together, since nothing says which of
    them is right. Leaves the other rows as temp.keyed: load, line, key, content and day. Raises
    CardwatchError for a file in which this is no accident of a row.
    """
    feed = batch[0][1].feed
    _find_keys(connection, batch, sources)
    files = dict(batch)
    misnamed = _misnamed(connection)
    for load_id, rows in misnamed.items():
        _refuse_misnamed(files[load_id], rows, rows_read[load_id])
    _missing_keys(connection, files, rows_read)
    _move_to_faulty(connection, files, misnamed)
    compare(connection, feed)
    news = count_news(connection)
    if feed.event_column not in feed.key:
        for load_id, each in news.items():
            if _too_many(each.replaced, rows_read[load_id]):
                _refuse_replaced(connection, load_id, files[load_id], each.replaced)
    return news


def _find_keys(
    connection: duckdb.DuckDBPyConnection, batch: Sequence[Numbered], sources: Iterable[str]
) -> None:
    """Make temp.keyed of the readable rows, and temp.again of the keys that are there twice."""
    feed = batch[0][1].feed
    names = [(load_id, sent_as(file.path, file.file_hash)) for load_id, file in batch]
    connection.register(
        "sent",
        pa.table({"load_id": [each[0] for each in names], "sent_as": [each[1] for each in names]}),
    )
    connection.execute(f"""
        create or replace temp view named as
        select typed.*, {LINE} as _line, {key_expression(feed, "sent.sent_as")} as key
        from temp.typed inner join sent on typed.{LOAD} = sent.load_id;
        -- keys and contents as numbers of eight bytes: ten million texts do not fit into memory
        create or replace temp table keyed as
        select
            {LOAD} as load_id,
            {LINE} as line,
            hash(key) as key_hash,
            {content(feed)} as content,
            "{feed.event_column}"::date as day,
            {_unusable(feed, sources)} as unusable
        from temp.named
        where {FAULT} is null;
        create or replace temp table again as
        select key_hash from temp.keyed group by key_hash having count(*) > 1
    """)  # noqa: S608 - identifiers only, validated in feeds.py


def _unusable(feed: Feed, sources: Iterable[str]) -> str:
    """SQL for why the key of a row is none; null where it is one."""
    texts = {column.name for column in feed.columns if column.data_type == "VARCHAR"}
    nulls = ", ".join(f"'{word}'" for word in _NULL_WORDS)
    cases = []
    for name in feed.key:
        if name in texts:
            cases += [
                f"when regexp_full_match(\"{name}\", '{_SPREADSHEET_NUMBER}')"
                f" then '{name} is a number that a spreadsheet rounded'",
                f"when lower(trim(\"{name}\")) in ({nulls}) then '{name} says that there is none'",
            ]
    every = ", ".join(f'"{name}"::varchar' for name in feed.key)
    cases.append(f"when coalesce({every}) is null then '{feed.key[0]} is missing'")
    others = ", ".join(f"'{source}'" for source in sorted({*sources} - {feed.source}))
    # the only key column of a source without a prefix may not look as if it had another's
    if feed.as_given and len(feed.key) == 1 and others:
        name = feed.key[0]
        cases.append(
            f"when contains(\"{name}\"::varchar, ':')"
            f" and split_part(\"{name}\"::varchar, ':', 1) in ({others})"
            f" then '{name} begins with the name of another source'"
        )
    return f"case {' '.join(cases)} end"


def _misnamed(connection: duckdb.DuckDBPyConnection) -> dict[int, list[tuple[int, str, str]]]:
    """Line, reason and key of the rows that cannot be told from others, by load."""
    found = connection.execute(f"""
        with doubtful as (
            select load_id, line, key_hash, content, unusable
            from temp.keyed
            where unusable is not null or key_hash in (select key_hash from temp.again)
        ),
        twice as (
            select doubtful.*, named.key
            from doubtful inner join temp.named on load_id = {LOAD} and line = {LINE}
        ),
        clashing as (
            select load_id, key, min(line) as first_line, max(line) as last_line
            from twice
            where unusable is null
            group by load_id, key
            having min(content) <> max(content)
        )
        select load_id, line, unusable, key from twice where unusable is not null
        union all
        select
            load_id,
            line,
            'line ' || case when line = first_line then last_line else first_line end
            || ' has the same key and says something else',
            key
        from twice inner join clashing using (load_id, key)
        where unusable is null
        order by load_id, line
    """).fetchall()  # noqa: S608
    rows: dict[int, list[tuple[int, str, str]]] = {}
    for load_id, line, reason, key in found:
        rows.setdefault(load_id, []).append((line, reason, key))
    return rows


def _too_many(rows: int, rows_read: int) -> bool:
    return rows >= REFUSED_ROWS and rows > REFUSED_SHARE * rows_read


def _refuse_misnamed(file: CheckedFile, rows: list[tuple[int, str, str]], rows_read: int) -> None:
    """Refuse a file in which bad keys are no accident; say which kind is the most frequent."""
    if not _too_many(len(rows), rows_read):
        return
    kinds = Counter(_kind(reason) for _, reason, _ in rows)
    worst, _ = kinds.most_common(1)[0]
    line, _, key = next(row for row in rows if _kind(row[1]) == worst)
    raise CardwatchError(
        f"{file.path} was not loaded: the keys of {len(rows):,} of its {rows_read:,} rows tell no "
        f"row from another, such as {_shown(key)} on line {line} ({worst}); name the columns that "
        f"do in the key of {file.feed.feed!r} in {_yml(file.feed)}, or correct the export (numbers "
        "as text)"
    )


def _kind(reason: str) -> str:
    return "another line has the same key" if reason.startswith("line ") else reason


def _missing_keys(
    connection: duckdb.DuckDBPyConnection, files: dict[int, CheckedFile], rows_read: Counter[int]
) -> None:
    """Refuse a file of which many rows have a key column that is empty or cannot be read."""
    feed = next(iter(files.values())).feed
    found = connection.execute(
        f"""
        select {LOAD}, count(*), min({LINE}), min_by(split_part({FAULT}, ':', 2), {LINE})
        from temp.typed
        where {FAULT} in (select 'unreadable:' || unnest(?))
        group by {LOAD}
        order by {LOAD}
        """,  # noqa: S608
        [list(feed.key)],
    ).fetchall()
    for load_id, rows, line, column in found:
        if _too_many(rows, rows_read[load_id]):
            raise CardwatchError(
                f"{files[load_id].path} was not loaded: {rows:,} of its {rows_read[load_id]:,} "
                f"rows have no readable {column}, such as line {line}, which the key of "
                f"{feed.feed!r} needs; correct the export, or name other columns in {_yml(feed)}"
            )


def _move_to_faulty(
    connection: duckdb.DuckDBPyConnection,
    files: dict[int, CheckedFile],
    misnamed: dict[int, list[tuple[int, str, str]]],
) -> None:
    """Put misnamed rows beside those that could not be read, with their own words."""
    for load_id, rows in misnamed.items():
        texts = original_texts(files[load_id], [line for line, _, _ in rows])
        faulty = pa.table(
            {
                "load_id": pa.array([load_id] * len(rows), pa.int64()),
                "line": [line for line, _, _ in rows],
                "reason": [reason for _, reason, _ in rows],
                "original_text": [texts[line] for line, _, _ in rows],
            }
        )
        connection.register("misnamed", faulty)
        connection.execute(f"""
            insert into temp.faulty from misnamed;
            update temp.typed set {FAULT} = '#key'
            where {LOAD} = {load_id} and {LINE} in (select line from misnamed);
            delete from temp.keyed
            where load_id = {load_id} and line in (select line from misnamed);
        """)  # noqa: S608


def _refuse_replaced(
    connection: duckdb.DuckDBPyConnection, load_id: int, file: CheckedFile, rows: int
) -> None:
    """Say that the keys of a file stood for other days before; numbers that restart do so."""
    example = connection.execute(
        f"""
        select line, key, day, day_before
        from temp.compared inner join temp.named on load_id = {LOAD} and line = {LINE}
        where load_id = ? and kind = 'replaced' order by line limit 1
        """,  # noqa: S608
        [load_id],
    ).fetchall()
    line, key, day, day_before = example[0]
    raise CardwatchError(
        f"{file.path} was not loaded: {rows:,} of its keys stood for rows of another day before, "
        f"such as {_shown(key)} on line {line} ({day}, before {day_before}); if the numbers "
        f"restart in each file, declare `key_holds: file` for {file.feed.feed!r} in "
        f"{_yml(file.feed)}, or name further key columns there; else correct the export"
    )


def _shown(key: str) -> str:
    return f"'{masked(key)[:60]}'"


def _yml(feed: Feed) -> str:
    return f"models/staging/{feed.source}/_{feed.source}__sources.yml"
