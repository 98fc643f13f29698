"""What each feed must look like, read from the dbt source yml in models/staging/<source>/."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import project_root
from orchestration.landing.layout import Layout, layout

RAW_SCHEMA = "raw"

# What the loader itself writes beside the declared columns of every raw table.
LOAD_COLUMNS = {
    "_load_id": "BIGINT",
    "_file": "VARCHAR",
    "_file_hash": "VARCHAR",
    "_line": "BIGINT",
    "_loaded_at": "TIMESTAMP",
    "_key": "VARCHAR",
    "_has_time": "BOOLEAN",
}

#: The load column that may stand in a key beside declared columns.
LINE = "_line"

# Money is a decimal, so that no sum depends on the order of its rows.
MONEY = "DECIMAL(18,4)"

DATA_TYPES = ("VARCHAR", "DOUBLE", MONEY, "INTEGER", "BIGINT", "BOOLEAN", "TIMESTAMP", "DATE")

CODES = ("currency", "country", "mcc", "status", "precision", "payment", "entry_mode")

KEY_HOLDS = ("always", "file")

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Column:
    """One declared column of a feed."""

    name: str
    data_type: str
    required: bool
    card_number: bool
    #: The names that a file's header may give the column, beside its own; as they are written.
    called: tuple[str, ...] = ()
    #: First place (from 1) and length of the column in a line of a file with fixed positions.
    position: tuple[int, int] | None = None
    #: Kind of the code that the column holds (seeds/code_spellings.csv), or "mcc".
    code: str | None = None
    #: Column with the time of day that belongs to this date.
    time: str | None = None
    #: What a value must not be below or above: a value, another column, or "now".
    at_least: str | None = None
    at_most: str | None = None
    #: Whether the yml or the feed's key says that the text names something.
    identifies: bool = False
    #: Whether a card number in clear becomes a keyed hash, instead of a row in quarantine.
    is_hashed: bool = False

    @property
    def is_identifier(self) -> bool:
        """Whether the text names something, so that a value is whole or of no use."""
        return self.identifies or self.card_number or self.name.endswith(("_id", "_no"))

    @property
    def nullable(self) -> bool:
        """Whether a row may leave the column empty, and a file may lack it."""
        return not self.required


@dataclass(frozen=True)
class Feed:
    """One declared feed of a source: what its files hold and which raw table receives them."""

    source: str
    feed: str
    table: str
    event_column: str
    columns: tuple[Column, ...]
    #: The columns that together name one row.
    key: tuple[str, ...] = ()
    #: Whether a key names one row for good, or only within its file.
    key_holds: str = "always"
    #: Whether the key is the warehouse's identifier as it is; else the source stands before it.
    as_given: bool = False
    #: What the source's card tokens begin with where they look like card numbers.
    card_tokens: tuple[str, ...] = ()
    layout: Layout = field(default_factory=Layout)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every file must have."""
        return tuple(column.name for column in self.columns if column.required)

    def has_name_in(self, cells: Sequence[str]) -> bool:
        """Whether a line could be (a part of) a header: some cell is the name of a column."""
        return any(_spelled(cell) in self._spellings for cell in cells)

    @cached_property
    def _spellings(self) -> frozenset[str]:
        called = {_spelled(name) for column in self.columns for name in column.called}
        return frozenset(called | {column.name for column in self.columns})

    def names(self, header: Sequence[str]) -> tuple[str, ...]:
        """Give the columns of a file their declared names; what is not declared keeps its own.

        A declared name, or one that the yml says the file uses, is found in any case and with
        any blanks. Where the file has the one that the yml says, another of its columns that
        happens to have the declared name is not taken for it.
        """
        spelled = [_spelled(name) for name in header]
        called = {_spelled(name): column.name for column in self.columns for name in column.called}
        given = {called[name] for name in spelled if name in called}
        own = {column.name for column in self.columns}
        return tuple(
            called.get(name) or (f"{name} (not read)" if name in own & given else name)
            for name in spelled
        )


def read_feeds(project: Path | None = None) -> list[Feed]:
    """Read every feed declared under models/staging, in order of source and feed."""
    staging = (project or project_root()) / "models" / "staging"
    feeds = [feed for path in sorted(staging.glob("*/_*__sources.yml")) for feed in feeds_of(path)]
    names = [f"feed {feed.source}.{feed.feed}" for feed in feeds]
    names += [f"table {RAW_SCHEMA}.{feed.table}" for feed in feeds]
    if repeated := _repeated(names):
        raise CardwatchError(f"{repeated} is declared twice under {staging}; rename one of them")
    return sorted(feeds, key=lambda feed: (feed.source, feed.feed))


def find_feed(feeds: Sequence[Feed], source: str, feed: str) -> Feed:
    """Return the declared feed, or say which ones there are."""
    of_source = {known.feed: known for known in feeds if known.source == source}
    if not of_source:
        names = sorted({known.source for known in feeds})
        raise CardwatchError(
            f"there is no source {source!r}; make it of a file with `cardwatch adopt`, "
            f"or use one of: {', '.join(names)}"
        )
    if feed not in of_source:
        raise CardwatchError(
            f"source {source!r} has no feed {feed!r}; use one of: {', '.join(sorted(of_source))}"
        )
    return of_source[feed]


def feeds_of(path: Path) -> Iterator[Feed]:
    """Read the feeds that one source's yml declares."""
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        detail = " ".join(str(error).split())
        raise CardwatchError(f"{path} is not readable yml; correct it ({detail})") from error
    try:
        for source in declared["sources"]:
            # A source that something else loads has a schema of its own and needs no files.
            if source.get("schema", source["name"]) == RAW_SCHEMA:
                as_given = _meta(source).get("identifiers") == "as_given"
                for table in source["tables"]:
                    yield _feed(path, source["name"], table, as_given)
    except (KeyError, TypeError, AttributeError) as error:
        raise CardwatchError(
            f"{path} is not a dbt source declaration as Cardwatch needs it ({error!r}); "
            "write it like the other files of that name"
        ) from error


def _feed(path: Path, source: str, table: dict[str, Any], as_given: bool) -> Feed:
    name = table["name"]
    meta = _meta(table)
    columns = tuple(
        _column(path, column, meta.get("event_column"), meta.get("key", ()))
        for column in table["columns"]
        if column["name"] not in LOAD_COLUMNS
    )
    feed = Feed(
        source=_identifier(path, source),
        feed=_identifier(path, name),
        table=_identifier(path, table.get("identifier", f"{source}__{name}")),
        event_column=meta.get("event_column", ""),
        columns=columns,
        key=tuple(meta.get("key", [columns[0].name])),
        key_holds=meta.get("key_holds", "always"),
        as_given=as_given,
        card_tokens=tuple(str(prefix) for prefix in meta.get("card_tokens", ())),
        layout=layout(path, name, meta.get("format", {})),
    )
    if repeated := _repeated([column.name for column in columns]):
        raise CardwatchError(f"{path} declares {name}.{repeated} twice; remove one of them")
    events = [column for column in columns if column.name == feed.event_column]
    if not events or not events[0].required or events[0].data_type not in ("TIMESTAMP", "DATE"):
        raise CardwatchError(
            f"{path} must name a required timestamp or date column of {name} "
            "as config.meta.event_column"
        )
    # Where nothing else names a row, its line within its file does.
    declared = {column.name for column in columns} | {LINE}
    if LINE in feed.key and feed.key_holds != "file":
        raise CardwatchError(
            f"{path} names {LINE} in the key of {name}, which names a row within its file only; "
            "add key_holds: file"
        )
    if unknown := [name for name in feed.key if name not in declared]:
        raise CardwatchError(
            f"{path} names {unknown[0]} in the key of {name}, which is no column of it; declare it"
        )
    for column in columns:
        _check_bounds(path, column, declared)
    if feed.key_holds not in KEY_HOLDS:
        raise CardwatchError(
            f"{path} says that a key of {name} holds {feed.key_holds!r}; "
            f"use one of: {', '.join(KEY_HOLDS)}"
        )
    return feed


def _column(path: Path, column: dict[str, Any], event: str | None, key: Sequence[str]) -> Column:
    name = _identifier(path, column["name"])
    written = str(column.get("data_type", ""))
    data_type = written.upper().replace(" ", "")
    if data_type not in DATA_TYPES:
        raise CardwatchError(
            f"{path} gives {name} the data_type {written.lower()!r}; "
            f"use one of: {', '.join(DATA_TYPES).lower()}"
        )
    meta = _meta(column)
    called = meta.get("column", ())
    position = meta.get("position")
    return Column(
        name,
        data_type,
        meta.get("required") is True,
        card_number=meta.get("card_number") in (True, "hash"),
        is_hashed=meta.get("card_number") == "hash",
        called=(called,) if isinstance(called, str) else tuple(called),
        position=(int(position[0]), int(position[1])) if position else None,
        code=_code(path, name, meta),
        time=meta.get("time"),
        at_least=_bound(meta, "from", "1990-01-01" if name == event else None),
        at_most=_bound(meta, "to", "now" if name == event else None),
        identifies=meta.get("identifier") is True or name in key,
    )


def _code(path: Path, column: str, meta: dict[str, Any]) -> str | None:
    code = meta.get("code")
    if code is not None and code not in CODES:
        raise CardwatchError(
            f"{path} says that {column} holds the code {code!r}; use one of: {', '.join(CODES)}"
        )
    return code


def _check_bounds(path: Path, column: Column, declared: set[str]) -> None:
    """Refuse what a column names as its time or bounds and is no column and no value."""
    if column.time is not None and column.time not in declared:
        raise CardwatchError(
            f"{path} says that the time of {column.name} is in {column.time}, "
            "which is no column of the feed; declare it"
        )
    read = date.fromisoformat if column.data_type in ("DATE", "TIMESTAMP") else float
    for bound in (column.at_least, column.at_most):
        if bound is not None and bound not in declared and bound != "now":
            try:
                read(bound)
            except ValueError as error:
                raise CardwatchError(
                    f"{path} gives {column.name} the bound {bound!r}; write "
                    "a value of its data_type (a day as 2025-01-31), a column of the feed, or now"
                ) from error


def _bound(meta: dict[str, Any], name: str, default: str | None) -> str | None:
    return str(meta[name]) if name in meta else default


def _spelled(name: str) -> str:
    """A header's name without what does not tell it from others: case, blanks, composition."""
    return " ".join(unicodedata.normalize("NFC", name).split()).lower()


def _repeated(names: Sequence[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


def _meta(declared: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = declared.get("config", {}).get("meta", {})
    return meta


def _identifier(path: Path, name: object) -> str:
    """Refuse names that could be anything but a plain SQL identifier."""
    if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
        raise CardwatchError(
            f"{path} uses the name {name!r}; "
            "names are lower case letters, digits and _, and start with no digit"
        )
    return name
