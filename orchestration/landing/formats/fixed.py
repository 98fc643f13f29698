"""Text in which each value has its place in the line (`meta.position`).

Places count characters, but bytes where the encoding has characters of one byte and of two, such
as CP949: the systems that write such files count so.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.engine.errors import CardwatchError
from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.content import Content
from orchestration.landing.formats.encoding import encoding_of, printable, undecodable
from orchestration.landing.formats.lines import numbered_lines
from orchestration.landing.formats.tidy import Tidy
from orchestration.landing.pieces import BrokenLine, Piece, Rows, table, text_table

_COUNTED_IN_BYTES = ("cp949", "euc_kr", "johab", "shift_jis", "cp932", "euc_jp", "gbk", "big5")


def open_fixed(content: Content, feed: Feed) -> Rows:
    """Take the columns that have a position; CardwatchError where a required one has none."""
    placed = {column.name: column.position for column in feed.columns if column.position}
    if missing := [name for name in feed.required if name not in placed]:
        raise CardwatchError(
            f"feed {feed.feed!r} of {feed.source!r} has fixed positions, but {missing[0]} has no "
            "meta.position in the source's yml; add it as [first, length]"
        )
    encoding = encoding_of(content, feed.layout.encoding)
    return Rows(list(placed), partial(_pieces, content, feed, encoding, list(placed.values())))


def _pieces(
    content: Content, feed: Feed, encoding: str, positions: list[tuple[int, int]]
) -> Iterator[Piece]:
    names = [column.name for column in feed.columns if column.position]
    tidy = Tidy.of(feed, names)
    first_row = (feed.layout.header_line or 0) + (
        feed.layout.header_lines if feed.layout.header_line else 1
    )
    for first, lines in numbered_lines(content, encoding):
        skipped = max(first_row - first, 0)
        yield tidy(_piece(lines[skipped:], first + skipped, encoding, positions))


def _piece(
    lines: list[bytes], first: int, encoding: str, positions: list[tuple[int, int]]
) -> Piece:
    in_bytes = encoding in _COUNTED_IN_BYTES
    rows: list[bytes] = []
    numbers: list[int] = []
    beyond: list[list[str | None]] = []
    beyond_numbers: list[int] = []
    broken: list[BrokenLine] = []
    for number, line in enumerate(lines, start=first):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            broken.append(BrokenLine(number, undecodable(encoding), masked(printable(line))))
            continue
        if in_bytes and not line.isascii():
            cells = _cells(text, encoding, positions)
            if cells is None:
                reason = "a position of the source's yml cuts a character in two"
                broken.append(BrokenLine(number, reason, masked(text)))
            else:
                beyond.append(cells)
                beyond_numbers.append(number)
            continue
        rows.append(line)
        numbers.append(number)
    whole = pa.array(rows, pa.binary()).cast(pa.string())
    columns = [
        pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(whole, start - 1, start - 1 + length))
        for start, length in positions
    ]
    found = table(columns, np.array(numbers, np.int64))
    if beyond:
        found = pa.concat_tables([found, text_table(beyond, beyond_numbers, len(positions))])
        found = found.sort_by("#line")
    return Piece(found, broken)


def _cells(text: str, encoding: str, positions: list[tuple[int, int]]) -> list[str | None] | None:
    raw = text.encode(encoding)
    try:
        return [
            raw[start - 1 : start - 1 + length].decode(encoding).strip()
            for start, length in positions
        ]
    except UnicodeDecodeError:
        return None
