"""How the rows of a file read as a source that is not written yet: typed, and staged by its SQL."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from orchestration.adoption.proposal import Proposal
from orchestration.engine.errors import CardwatchError
from orchestration.engine.rows import named_rows
from orchestration.landing.feeds import LOAD_COLUMNS, Feed, feeds_of
from orchestration.landing.file import check_file
from orchestration.landing.reading import (
    FAULT,
    HAS_TIME,
    LINE,
    LOAD,
    define_macros,
    in_batches,
    stage,
)

#: More rows in quarantine than this share mean that the proposal is wrong.
MOST_QUARANTINED = 0.05
_EXAMPLES = 3

_SOURCE = re.compile(r"{{ source\([^)]*\) }}")


@dataclass(frozen=True)
class Trial:
    """rows: of the files, those in quarantine among them; reasons: of these, commonest first.

    examples: the first rows as the staging model gives them, by column.
    """

    rows: int
    quarantined: int
    reasons: tuple[tuple[str, int], ...]
    examples: tuple[Mapping[str, Any], ...]


def read_as(texts: Mapping[Path, str], proposal: Proposal, files: Sequence[Path]) -> Trial:
    """Read files as the source that the texts declare, without writing anything of it.

    Raises CardwatchError where so many rows cannot be read that the source must be wrong.
    """
    by_suffix = {path.name.rpartition("__")[2]: text for path, text in texts.items()}
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        declared = Path(folder) / f"_{proposal.source}__sources.yml"
        declared.write_text(by_suffix["sources.yml"], encoding="utf-8")
        feed = next(iter(feeds_of(declared)))
        checked = [check_file(path, feed) for path in files]
        define_macros(connection)
        rows = 0
        reasons: Counter[str] = Counter()
        examples: list[dict[str, Any]] = []
        for batch in in_batches(list(enumerate(checked))):
            rows += stage(connection, batch).total()
            reasons.update(
                {
                    _kind_of(reason): count
                    for reason, count in connection.execute(
                        "select reason, count(*) from temp.faulty group by reason"
                    ).fetchall()
                }
            )
            if len(examples) < _EXAMPLES:
                sql = by_suffix[f"{proposal.feed}.sql"]
                examples += _staged(connection, feed, sql)
    trial = Trial(rows, reasons.total(), tuple(reasons.most_common()), tuple(examples[:_EXAMPLES]))
    if rows == 0:
        raise CardwatchError(f"{files[0]} has no row below its header; export it again")
    if trial.quarantined > MOST_QUARANTINED * rows:
        raise CardwatchError(
            f"{trial.quarantined:,} of {rows:,} rows could not be read as proposed, nothing was "
            f"written: {trial.reasons[0][0]} ({trial.reasons[0][1]:,} rows); correct the export, "
            "or say with --column, --dates or --decimal how it is to be read"
        )
    return trial


def _staged(connection: duckdb.DuckDBPyConnection, feed: Feed, sql: str) -> list[dict[str, Any]]:
    """The first rows of the typed ones, as the staging model makes them."""
    loaded = {"_line": LINE, "_load_id": LOAD, "_has_time": HAS_TIME}
    origin = ", ".join(
        f"{loaded.get(name, f'null::{data_type}')} as {name}"
        for name, data_type in LOAD_COLUMNS.items()
    )
    names = ", ".join(f'"{column.name}"' for column in feed.columns)
    rows = (
        f"(select {names}, {origin} from temp.typed where {FAULT} is null"  # noqa: S608
        f" order by {LOAD}, {LINE} limit {_EXAMPLES})"
    )
    try:
        return list(named_rows(connection, _SOURCE.sub(lambda _: rows, sql)))
    except duckdb.Error as error:
        raise RuntimeError(f"the staging model as written does not run: {error}\n{sql}") from error


def _kind_of(reason: str) -> str:
    """A reason without the value that was found, so that rows of one kind count together."""
    return re.sub(r"'.*' is not", "is not", reason)
