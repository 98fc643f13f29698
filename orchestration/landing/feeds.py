"""What each feed must look like, read from the dbt source yml in models/staging/<source>/."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import project_root

RAW_SCHEMA = "raw"

# What the loader itself writes beside the declared columns of every raw table.
LOAD_COLUMNS = {
    "_load_id": "BIGINT",
    "_file": "VARCHAR",
    "_file_hash": "VARCHAR",
    "_line": "BIGINT",
    "_loaded_at": "TIMESTAMP",
}

DATA_TYPES = ("VARCHAR", "DOUBLE", "INTEGER", "BIGINT", "BOOLEAN", "TIMESTAMP", "DATE")

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Column:
    """One declared column of a feed."""

    name: str
    data_type: str
    required: bool
    card_number: bool

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

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every file must have."""
        return tuple(column.name for column in self.columns if column.required)


def read_feeds(project: Path | None = None) -> list[Feed]:
    """Read every feed declared under models/staging, in order of source and feed."""
    staging = (project or project_root()) / "models" / "staging"
    feeds = [feed for path in sorted(staging.glob("*/_*__sources.yml")) for feed in _feeds_of(path)]
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
        raise CardwatchError(f"there is no source {source!r}; use one of: {', '.join(names)}")
    if feed not in of_source:
        raise CardwatchError(
            f"source {source!r} has no feed {feed!r}; use one of: {', '.join(sorted(of_source))}"
        )
    return of_source[feed]


def _feeds_of(path: Path) -> Iterator[Feed]:
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        detail = " ".join(str(error).split())
        raise CardwatchError(f"{path} is not readable yml; correct it ({detail})") from error
    try:
        for source in declared["sources"]:
            # A source that something else loads has a schema of its own and needs no files.
            if source.get("schema", source["name"]) == RAW_SCHEMA:
                for table in source["tables"]:
                    yield _feed(path, source["name"], table)
    except (KeyError, TypeError, AttributeError) as error:
        raise CardwatchError(
            f"{path} is not a dbt source declaration as Cardwatch needs it ({error!r}); "
            "write it like the other files of that name"
        ) from error


def _feed(path: Path, source: str, table: dict[str, Any]) -> Feed:
    name = table["name"]
    columns = tuple(
        _column(path, column) for column in table["columns"] if column["name"] not in LOAD_COLUMNS
    )
    feed = Feed(
        source=_identifier(path, source),
        feed=_identifier(path, name),
        table=_identifier(path, table.get("identifier", f"{source}__{name}")),
        event_column=_meta(table).get("event_column", ""),
        columns=columns,
    )
    if repeated := _repeated([column.name for column in columns]):
        raise CardwatchError(f"{path} declares {name}.{repeated} twice; remove one of them")
    events = [column for column in columns if column.name == feed.event_column]
    if not events or not events[0].required or events[0].data_type not in ("TIMESTAMP", "DATE"):
        raise CardwatchError(
            f"{path} must name a required timestamp or date column of {name} "
            "as config.meta.event_column"
        )
    return feed


def _column(path: Path, column: dict[str, Any]) -> Column:
    name = _identifier(path, column["name"])
    data_type = str(column.get("data_type", "")).upper()
    if data_type not in DATA_TYPES:
        raise CardwatchError(
            f"{path} gives {name} the data_type {data_type.lower()!r}; "
            f"use one of: {', '.join(DATA_TYPES).lower()}"
        )
    meta = _meta(column)
    return Column(
        name, data_type, meta.get("required") is True, card_number=meta.get("card_number") is True
    )


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
