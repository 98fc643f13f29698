"""What stands among the rows of a file and is none: headers again, blank rows, totals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.landing.feeds import Feed
from orchestration.landing.pieces import BrokenLine, Piece

_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Tidy:
    """Leaves out what repeats a header line, is blank, or begins with a word of `totals`.

    A line of totals is one only where it also lacks a required value; a purchase at a shop
    whose name begins with such a word is a purchase.
    """

    heading: tuple[tuple[str, ...], ...]
    totals: tuple[str, ...]
    required: tuple[int, ...]

    @classmethod
    def of(
        cls, feed: Feed, names: Sequence[str], heading: Sequence[Sequence[str]] | None = None
    ) -> "Tidy":
        """For a file with these names, which stand in the lines of `heading`."""
        lines = tuple(tuple(text.strip() for text in line) for line in heading or [names])
        totals = tuple(_plain(word) for word in feed.layout.totals)
        required = set(feed.required)
        present = enumerate(feed.names(names))
        return cls(lines, totals, tuple(at for at, name in present if name in required))

    def __call__(self, piece: Piece) -> Piece:
        """The piece without them."""
        rows = piece.rows
        out = _blank(rows)
        for line in self.heading:
            out |= _repeats(rows, line)
        if self.totals:
            out |= self._is_total(rows)
        return Piece(
            rows.filter(pa.array(~out)) if out.any() else rows,
            [line for line in piece.broken if not self._is_broken_total(line)],
        )

    def _is_total(self, rows: pa.Table) -> Any:
        lacks_one = np.zeros(rows.num_rows, bool)
        for at in self.required:
            lacks_one |= _is_blank(rows.column(at))
        found = np.zeros(rows.num_rows, bool)
        for at in np.flatnonzero(lacks_one).tolist():
            texts = (rows.column(place)[at].as_py() for place in range(rows.num_columns - 1))
            first = next((text for text in texts if text and text.strip()), "")
            found[at] = _plain(first).startswith(self.totals)
        return found

    def _is_broken_total(self, line: BrokenLine) -> bool:
        return bool(self.totals) and _plain(line.text.lstrip("\",;|\t '")).startswith(self.totals)


def _plain(text: str) -> str:
    """A word as it is compared: no case, no blanks (a Korean total is often spaced out)."""
    return _BLANKS.sub("", text).casefold()


def _is_blank(column: pa.ChunkedArray) -> Any:
    blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(column)), 0)
    return pc.fill_null(blank, True).to_numpy().astype(bool)


def _blank(rows: pa.Table) -> Any:
    """Which rows have no value at all."""
    blank = np.ones(rows.num_rows, bool)
    for at in range(rows.num_columns - 1):
        blank &= _is_blank(rows.column(at))
        if not blank.any():
            break
    return blank


def _repeats(rows: pa.Table, line: Sequence[str]) -> Any:
    """Which rows are a line of the header again."""
    width = rows.num_columns - 1
    same = np.ones(rows.num_rows, bool)
    # The names first: of those that are blank nearly every row could be one.
    for at in sorted(range(width), key=lambda at: at >= len(line) or not line[at]):
        name = line[at] if at < len(line) else ""
        column = pc.fill_null(rows.column(at), "")
        same &= pc.equal(pc.utf8_trim_whitespace(column), name).to_numpy().astype(bool)
        if not same.any():
            break
    return same
