"""Rows of cells, as sheets and HTML tables have them, in pieces."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeAlias

from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.header import Header
from orchestration.landing.formats.tidy import Tidy
from orchestration.landing.pieces import (
    PIECE,
    BrokenLine,
    Piece,
    Rows,
    is_unicode,
    text_table,
)

# Reads rows with their numbers from 1, anew with each call.
Grid: TypeAlias = Callable[[], Iterator[tuple[int, Sequence[str]]]]


def grid_rows(feed: Feed, grid: Grid, header: Header) -> Rows:
    """The rows of a grid after its header."""
    return Rows(header.names, partial(_pieces, feed, grid, header))


def _pieces(feed: Feed, grid: Grid, header: Header) -> Iterator[Piece]:
    tidy = Tidy.of(feed, header.names, header.lines)
    rows = ((number, cells) for number, cells in grid() if number >= header.next_line)
    while chunk := list(islice(rows, PIECE)):
        yield tidy(_piece(chunk, len(header.names)))


def _piece(chunk: list[tuple[int, Sequence[str]]], width: int) -> Piece:
    fitting: list[Sequence[str]] = []
    numbers: list[int] = []
    broken: list[BrokenLine] = []
    for number, cells in chunk:
        reason = _problem(cells, width)
        if reason is None:
            fitting.append([*cells[:width], *[""] * (width - len(cells))])
            numbers.append(number)
        elif any(cell.strip() for cell in cells):
            text = "\t".join(cells).encode("utf-8", "backslashreplace").decode()
            broken.append(BrokenLine(number, reason, masked(text)))
    return Piece(text_table(fitting, numbers, width), broken)


def _problem(cells: Sequence[str], width: int) -> str | None:
    if any(cell.strip() for cell in cells[width:]):
        return f"{len(cells)} columns instead of {width}"
    whole = "".join(cells)
    return "a value is no text" if "\ufffd" in whole or not is_unicode(whole) else None
