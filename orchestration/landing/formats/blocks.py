"""Records of delimited text, a block at a time.

Where the quotes of a block are as RFC 4180 wants them, their places say exactly which line ends
and delimiters count, and Arrow reads the records; all of that is done on vectors. Where one is out
of place, Python's csv reads record by record, so that a broken one costs its own line only.
"""

import csv
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from orchestration.landing.card_numbers import masked
from orchestration.landing.formats.encoding import printable
from orchestration.landing.pieces import BrokenLine, Piece, is_unicode, text_table

# A quote that is still open after so many characters was never closed (csv has the same limit).
LONGEST_FIELD = 131_072
LONGEST_LINE = 32_000_000

_QUOTE, _LF, _CR = 34, 10, 13
# What spreadsheets write so that a text stays one: ="0123", and an apostrophe before figures.
_TEXT_CELLS = {'="': r'^="(.*)"$', "'": r"^'([0-9=+@-].*)$"}

_Places = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Form:
    """How the records of a text are written."""

    delimiter: str
    names: tuple[str, ...]
    undecodable: str

    @property
    def width(self) -> int:
        """Values in a record."""
        return len(self.names)

    @cached_property
    def least(self) -> int:
        """Values that a record needs: those without a name at the end may be missing."""
        return max((at for at, name in enumerate(self.names, start=1) if name), default=0)


def split(buffer: bytes, first: int, form: Form, at_end: bool) -> tuple[Piece, int, int]:
    """Make rows and broken lines of a text that begins with line number `first`.

    Also returns how many bytes and lines that used up; what is left may go on in the next block.
    """
    data = np.frombuffer(buffer, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    ends = line_ends(data, at_end)
    unclosed = len(quotes) % 2 == 1
    if not _is_well_quoted(data, quotes, ord(form.delimiter)) or (unclosed and at_end):
        return _by_record(buffer, ends, first, form, at_end)
    record_ends = _outside(ends, quotes)
    used = int(record_ends[-1]) + 1 if len(record_ends) else 0
    if unclosed and len(buffer) - used > LONGEST_FIELD:
        return _by_record(buffer, ends, first, form, at_end)
    if not len(record_ends):
        return Piece(text_table([], [], form.width), []), 0, 0
    lines = int(np.searchsorted(ends, record_ends[-1], side="right"))
    delimiters = _outside(np.flatnonzero(data == ord(form.delimiter)), quotes)
    records = _Records(buffer, data, ends, record_ends, delimiters, first, len(quotes) > 0)
    piece = records.piece(form)
    if piece is None:
        return _by_record(buffer, ends, first, form, at_end)
    return piece, min(used, len(buffer)), lines


def line_ends(data: Any, at_end: bool) -> _Places:
    """Where lines end: LF, CR, or CRLF (its LF); the end of a text ends its last line."""
    ends = np.flatnonzero(data == _LF)
    returns = np.flatnonzero(data == _CR)
    if len(returns):
        followed = np.append(data[1:], 0 if at_end else _LF)[returns]
        alone = returns[followed != _LF]
        ends = np.sort(np.concatenate([ends, alone])) if len(alone) else ends
    if at_end and len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        ends = np.append(ends, len(data))
    return ends


def physical_lines(buffer: bytes) -> list[bytes]:
    """The lines of a text with their ends."""
    return _lines(buffer, line_ends(np.frombuffer(buffer, np.uint8), at_end=True))


def _lines(buffer: bytes, ends: _Places) -> list[bytes]:
    after = (ends + 1).tolist()
    return [buffer[start:end] for start, end in zip([0, *after], after, strict=False)]


def _is_well_quoted(data: Any, quotes: _Places, delimiter: int) -> bool:
    """Whether each opening quote begins a value, and each closing one ends it or is doubled."""
    if not len(quotes):
        return True
    opening, closing = quotes[0::2], quotes[1::2]
    before = data[np.maximum(opening - 1, 0)]
    after = data[np.minimum(closing + 1, len(data) - 1)]
    begins = (opening == 0) | np.isin(before, (delimiter, _LF, _CR, _QUOTE))
    # A quote before an opening one makes both a doubled one inside a value, or it is out of place.
    doubled = np.append(-9, closing)[: len(opening)] == opening - 1
    begins &= (before != _QUOTE) | doubled | (opening == 0)
    ends = (closing == len(data) - 1) | np.isin(after, (delimiter, _LF, _CR, _QUOTE))
    return bool(begins.all() and ends.all())


def _outside(places: _Places, quotes: _Places) -> _Places:
    """Those places that are not between quotes."""
    if not len(quotes):
        return places
    outside: _Places = places[np.searchsorted(quotes, places) % 2 == 0]
    return outside


@dataclass(frozen=True)
class _Records:
    """The whole records of a block whose quotes are in order."""

    buffer: bytes
    data: Any
    line_ends: _Places
    ends: _Places
    delimiters: _Places
    first: int
    quoted: bool

    @cached_property
    def starts(self) -> _Places:
        return np.append(0, self.ends[:-1] + 1)

    @cached_property
    def lines(self) -> _Places:
        return np.searchsorted(self.line_ends, self.starts) + self.first

    def piece(self, form: Form) -> Piece | None:
        """Rows and broken lines; None where quotes that are in order may be so by chance only."""
        counted = np.searchsorted(self.delimiters, self.ends)
        widths = np.diff(counted, prepend=0) + 1
        size = self.ends - self.starts
        first = self.data[np.minimum(self.starts, len(self.data) - 1)]
        left = (size > 1) | ((size == 1) & (first != _CR))
        broken = self._undecodable(left, form)
        left[[at for at, _ in broken]] = False
        tables = []
        for width in np.unique(widths[left]).tolist():
            chosen = np.flatnonzero(left & (widths == width))
            if width < form.least:
                wrong = chosen
            else:
                rows, wrong = self._parsed(chosen, width, form)
                tables.append(rows)
            broken += [(at, f"{width} columns instead of {form.width}") for at in wrong.tolist()]
        if len(tables) == 1:
            rows = tables[0]
        else:
            rows = pa.concat_tables([text_table([], [], form.width), *tables]).sort_by("#line")
        after = np.searchsorted(self.line_ends, self.ends, side="right") + self.first
        if any(after[at] > self.lines[at] + 1 for at, _ in broken):
            return None
        return Piece(rows, self._broken_lines(sorted(broken)))

    def _undecodable(self, left: Any, form: Form) -> list[tuple[int, str]]:
        """Records with bytes that are no text."""
        try:
            self.buffer.decode()
            return []
        except UnicodeDecodeError:
            beyond = np.flatnonzero(self.data >= 0x80)
        found = []
        for at in np.unique(np.searchsorted(self.ends, beyond)).tolist():
            if at < len(self.ends) and left[at]:
                try:
                    self._raw(at).decode()
                except UnicodeDecodeError:
                    found.append((at, form.undecodable))
        return found

    def _parsed(self, chosen: _Places, width: int, form: Form) -> tuple[pa.Table, _Places]:
        """Read records of one width; those with values beyond the header's are no rows."""
        table = pa_csv.read_csv(
            pa.py_buffer(self._text_of(chosen)),
            read_options=pa_csv.ReadOptions(column_names=[f"#{at}" for at in range(width)]),
            parse_options=pa_csv.ParseOptions(
                delimiter=form.delimiter,
                quote_char='"' if self.quoted else False,
                newlines_in_values=self.quoted,
                ignore_empty_lines=False,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types={f"#{at}": pa.string() for at in range(width)},
                strings_can_be_null=False,
            ),
        )
        if table.num_rows != len(chosen):
            raise RuntimeError(f"{len(chosen)} records were read as {table.num_rows}")
        fits = np.ones(len(chosen), bool)
        for at in range(form.width, width):
            blank = pc.equal(pc.utf8_trim_whitespace(table.column(at)), "")
            fits &= blank.to_numpy().astype(bool)
        table = table.select(range(min(width, form.width)))
        for at in range(width, form.width):
            table = table.append_column(f"#{at}", pa.repeat("", len(chosen)))
        table = _texts_of_cells(table, self.buffer)
        table = table.append_column("#line", pa.array(self.lines[chosen], pa.int64()))
        return (table if fits.all() else table.filter(pa.array(fits))), chosen[~fits]

    def _text_of(self, chosen: _Places) -> bytes:
        """The text of some records: as few runs of neighbours as there are."""
        breaks = np.flatnonzero(np.diff(chosen) != 1)
        firsts = chosen[np.append(0, breaks + 1)]
        lasts = chosen[np.append(breaks, len(chosen) - 1)]
        runs = zip(self.starts[firsts].tolist(), self.ends[lasts].tolist(), strict=True)
        return b"".join(self.buffer[start : end + 1] for start, end in runs)

    def _raw(self, at: int) -> bytes:
        return self.buffer[self.starts[at] : self.ends[at]].rstrip(b"\r\n")

    def _broken_lines(self, broken: list[tuple[int, str]]) -> list[BrokenLine]:
        return [
            BrokenLine(int(self.lines[at]), reason, masked(printable(self._raw(at))))
            for at, reason in broken
            if self._raw(at).strip()
        ]


def _texts_of_cells(table: pa.Table, buffer: bytes) -> pa.Table:
    """Take off what keeps a spreadsheet from making a number of a text."""
    for sign, pattern in _TEXT_CELLS.items():
        if sign.encode() not in buffer:
            continue
        for at, name in enumerate(table.column_names):
            if pc.any(pc.starts_with(table.column(at), sign)).as_py():
                column = pc.replace_substring_regex(table.column(at), pattern, r"\1")
                table = table.set_column(at, name, column)
    return table


def _by_record(
    buffer: bytes, ends: _Places, first: int, form: Form, at_end: bool
) -> tuple[Piece, int, int]:
    """Read record by record; after a broken one its next line is tried as a record of its own.

    Else one open quote would swallow what follows.
    """
    raw = _lines(buffer, ends)
    lines = [line.decode("utf-8", "surrogateescape") for line in raw]
    rows: list[list[str]] = []
    numbers: list[int] = []
    broken: list[BrokenLine] = []
    at = 0
    while at < len(lines):
        rest = (lines[later] for later in range(at, len(lines)))
        reader = csv.reader(rest, delimiter=form.delimiter, strict=True)
        record: list[str] = []
        try:
            record = next(reader)
            problem = _problem(record, form)
        except csv.Error as error:
            if not at_end and at + reader.line_num == len(lines):
                break  # the record may go on in the next block
            problem = f"quotes are not balanced ({error})"
        if not problem:
            rows.append((record + [""] * form.width)[: form.width])
            numbers.append(first + at)
            at += reader.line_num
            continue
        if raw[at].strip():
            text = masked(printable(raw[at].rstrip(b"\r\n")))
            broken.append(BrokenLine(first + at, problem, text))
        at += 1
    used = int(ends[at - 1]) + 1 if at else 0
    table = text_table(rows, numbers, form.width)
    lined = table.column_names[-1]
    table = _texts_of_cells(table.drop_columns(lined), buffer).append_column(lined, table[lined])
    return Piece(table, broken), min(used, len(buffer)), at


def _problem(record: list[str], form: Form) -> str | None:
    beyond = any(value.strip() for value in record[form.width :])
    if len(record) < form.least or beyond:
        return f"{len(record)} columns instead of {form.width}"
    return None if is_unicode("".join(record)) else form.undecodable
