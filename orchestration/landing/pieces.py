"""What every reader of a format gives: rows as text, in pieces, with the lines that are no rows."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

Item = TypeVar("Item")

# Rows in memory at a time while a file is read, about.
PIECE = 100_000


@dataclass(frozen=True)
class BrokenLine:
    """A line of a file that is no row, or a row that cannot be typed; masked."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Piece:
    """Some of a file's rows, in columns "#0", "#1", … and "#line", and the broken lines among them.

    The line of a row is its physical line in a text (the first one of a row over several lines),
    its row in a sheet or an HTML table, and its number from 1 in a Parquet file.
    """

    rows: pa.Table
    broken: list[BrokenLine]


@dataclass(frozen=True)
class Rows:
    """What a reader found in a file: the names in its header, and a way to read what follows."""

    names: Sequence[str]
    pieces: Callable[[], Iterator[Piece]]


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, of which the next one is made while the last one is worked on."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        following = thread.submit(next, items, None)
        while (item := following.result()) is not None:
            following = thread.submit(next, items, None)
            yield item


def table(columns: Sequence[Any], lines: Any) -> pa.Table:
    """Columns of a piece, with the line of each row."""
    names = [*(f"#{position}" for position in range(len(columns))), "#line"]
    return pa.table([*columns, pa.array(lines, pa.int64())], names=names)


def text_table(records: Sequence[Sequence[str | None]], lines: Any, width: int) -> pa.Table:
    """Records of one width as the rows of a piece."""
    columns = zip(*records, strict=True) if records else [()] * width
    return table([pa.array(column, pa.string()) for column in columns], lines)


def is_unicode(text: str) -> bool:
    """Whether no byte of the text had to be escaped when it was read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
