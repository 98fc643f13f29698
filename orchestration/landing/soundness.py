"""What a file as a whole must not be: full of rows that cannot be read, or of amounts below zero.

One bad row is quarantined and stops nothing; this is the one place that says when it is too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.warehouse import transaction
from orchestration.landing.feeds import MONEY, RAW_SCHEMA, Feed
from orchestration.landing.load import take_back

# A file is refused where more than this share of its rows, and at least so many, are unreadable.
MOST_UNREADABLE, FEWEST_UNREADABLE = 0.05, 3

# Purchases are taken to be written below zero where more than this share of the amounts of at
# least so many rows are; refunds are rare.
MOST_BELOW_ZERO, FEWEST_AMOUNTS = 0.75, 10

# Readers of these formats know the sign of every amount.
_SIGNED = ("vcf4", "cdf3", "gl1025")


@dataclass(frozen=True)
class Quarantined:
    """Rows of a file that were set aside for one kind of reason, and the first of them."""

    file: str
    reason: str
    line: int
    rows: int

    def __str__(self) -> str:
        """The rows as one line names them."""
        rows = "1 row" if self.rows == 1 else f"{self.rows:,} rows"
        return f"{rows}: {self.reason} ({self.file}, line {self.line})"


def worst_reasons(
    connection: duckdb.DuckDBPyConnection, loads: Sequence[int] | None = None
) -> list[Quarantined]:
    """Return what rows of loads (of all, by default) are in quarantine for, most rows first."""
    found = connection.execute(
        """
        select file, min_by(reason, line), min(line), count(*)
        from raw.quarantine
        where $1 is null or list_contains($1, load_id)
        -- the value differs from row to row, the reason does not
        group by load_id, file, regexp_replace(reason, '''.*''', '')
        order by count(*) desc, load_id, min(line)
        """,
        [None if loads is None else list(loads)],
    )
    return [Quarantined(*row) for row in found.fetchall()]


def refuse_unsound(connection: duckdb.DuckDBPyConnection, feeds: Sequence[Feed]) -> None:
    """Take back the first new file that cannot have been read as it was meant, and say why.

    Raises CardwatchError; the file stays in the landing folder and is loaded anew by the next run.
    """
    unfinished = connection.execute(
        "select load_id, source, feed, first_day from raw.load_manifest"
        " where load_id > (select completed_load_id from raw.run_state) order by load_id"
    ).fetchall()
    by_name = {(feed.source, feed.feed): feed for feed in feeds}
    for load_id, source, name, first_day in unfinished:
        feed = by_name.get((source, name))
        if feed and (
            fault := _unreadable(connection, load_id) or _below(connection, feed, load_id)
        ):
            with transaction(connection):
                take_back(connection, feed, load_id, first_day)
            raise CardwatchError(
                f"{fault}; nothing of the file is loaded: correct it, or how the source's yml says "
                f"that it is written, or take it out of landing/{source}/{name}"
            )


def _unreadable(connection: duckdb.DuckDBPyConnection, load_id: int) -> str | None:
    ((file, rows, unreadable),) = connection.execute(
        "select file, rows_loaded + rows_quarantined, rows_quarantined"
        " from raw.load_manifest where load_id = $1",
        [load_id],
    ).fetchall()
    if unreadable < FEWEST_UNREADABLE or unreadable <= MOST_UNREADABLE * rows:
        return None
    worst = worst_reasons(connection, [load_id])[0]
    return (
        f"{file} has {unreadable:,} unreadable rows of {rows:,} ({unreadable / rows:.0%}), "
        f"{worst.rows:,} of them like line {worst.line}: {worst.reason}"
    )


def _below(connection: duckdb.DuckDBPyConnection, feed: Feed, load_id: int) -> str | None:
    amounts = [column for column in feed.columns if column.data_type == MONEY and column.required]
    is_of_cards = any(column.card_number for column in feed.columns)
    if not amounts or not is_of_cards or feed.layout.sign or feed.layout.kind in _SIGNED:
        return None
    name = amounts[0].name
    ((file, rows, below),) = connection.execute(
        f'select max(_file), count(*), count(*) filter ("{name}" < 0)'  # noqa: S608
        f' from {RAW_SCHEMA}."{feed.table}" where _load_id = $1',
        [load_id],
    ).fetchall()
    if rows < FEWEST_AMOUNTS or below <= MOST_BELOW_ZERO * rows:
        return None
    return (
        f"{file} has {below:,} of {rows:,} values of {name} below zero, so that purchases would "
        "be refunds: set sign in meta.format to purchases_negative, or to purchases_positive if "
        "they are refunds"
    )
