"""A file as numbered lines of cells, before anybody knows which line names the columns."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq

from orchestration.engine.errors import CardwatchError
from orchestration.landing.formats.content import Content, content_of
from orchestration.landing.formats.delimited import DELIMITERS
from orchestration.landing.formats.encoding import encoding_of, utf8_blocks
from orchestration.landing.formats.html import html_encoding, table_rows
from orchestration.landing.formats.workbook import sheet_names, sheet_rows

#: So many lines are looked at; landing reads them all and says what it cannot read.
MOST_LINES = 200_000

MOST_BYTES = 64_000_000


@dataclass(frozen=True)
class Grid:
    """Lines of a file, numbered as landing numbers them, and how they were read.

    kind, encoding, delimiter and sheet are what `meta.format` calls them; None where the kind has
    no such thing. sheets: the names of the sheets with rows, where there are several.
    """

    path: Path
    kind: str
    lines: Sequence[tuple[int, tuple[str, ...]]]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()


def read_grid(path: Path, encoding: str | None = None, sheet: str | None = None) -> Grid:
    """Read the lines of a file whatever its kind; CardwatchError for what is no table of text."""
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise CardwatchError(f"{path} {what}; name a file of rows")
    content = content_of(path)
    if path.stat().st_size == 0:
        raise CardwatchError(f"{path} is empty; export it again")
    kind = content.kind()
    if kind == "parquet":
        return _parquet(path)
    if kind == "workbook":
        return _workbook(content, sheet)
    if kind == "html":
        return _html(content, encoding)
    name = encoding_of(content, encoding)
    text = _text(content, name)
    return _json_lines(path, text) if kind == "json_lines" else _delimited(path, text, name)


def _text(content: Content, encoding: str) -> str:
    """As much of a text as is looked at; what cannot be decoded is left out here."""
    found = b""
    for block in utf8_blocks(content, encoding):
        found += block
        if len(found) > MOST_BYTES:
            break
    return found.decode("utf-8", "ignore")


def _delimited(path: Path, text: str, encoding: str) -> Grid:
    lines = text.splitlines()
    if lines and lines[0].lower().startswith("sep="):
        lines[0] = ""
    delimiter = _delimiter(path, lines[:2000])
    found: list[tuple[int, tuple[str, ...]]] = []
    reader = csv.reader(io.StringIO("\n".join(lines) + "\n"), delimiter=delimiter)
    first = 1
    try:
        for cells in islice(reader, MOST_LINES):
            found.append((first, tuple(cells)))
            first = reader.line_num + 1
    except csv.Error as error:
        raise CardwatchError(f"{path} is no text of rows ({error}); export it again") from error
    return Grid(path, "delimited", found, encoding, delimiter)


def _delimiter(path: Path, lines: Sequence[str]) -> str:
    """The sign that divides most lines into one number of cells, and more than one."""
    best = (0, "")
    for delimiter in DELIMITERS:
        try:
            widths = Counter(
                len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells
            )
        except csv.Error:
            continue
        width, count = max(widths.items(), key=lambda each: (each[1], each[0]), default=(0, 0))
        if width > 1:
            # a comma within amounts divides few lines alike; a wider table is the better one
            best = max(best, (count * 1000 + width, delimiter))
    if not best[0]:
        raise CardwatchError(
            f"the lines of {path} are not divided by commas, semicolons, tabs or bars; "
            "export it as CSV or Excel"
        )
    return best[1]


def _workbook(content: Content, sheet: str | None) -> Grid:
    names, visible = sheet_names(content)
    if sheet and sheet not in names:
        raise CardwatchError(
            f"{content.path} has no sheet {sheet!r}; use one of: {', '.join(names)}"
        )
    looked_at = [sheet] if sheet else visible or names
    grids = {name: _rectangle(sheet_rows(content, name)) for name in looked_at}
    filled = {name: rows for name, rows in grids.items() if len(rows) > 1}
    if not filled:
        raise CardwatchError(f"no sheet of {content.path} has rows; export it again")
    chosen = max(filled, key=lambda name: len(filled[name]))
    return Grid(content.path, "workbook", filled[chosen], sheet=chosen, sheets=tuple(names))


def _rectangle(rows: Iterable[tuple[int, Sequence[str]]]) -> list[tuple[int, tuple[str, ...]]]:
    """Rows of one width, as cells that are blank at the end are left out of some."""
    found = [(number, tuple(cells)) for number, cells in islice(rows, MOST_LINES)]
    width = max((len(cells) for _, cells in found), default=0)
    return [(number, cells + ("",) * (width - len(cells))) for number, cells in found]


def _html(content: Content, encoding: str | None) -> Grid:
    tables: dict[int, list[tuple[int, Sequence[str]]]] = {}
    name = html_encoding(content, encoding)
    for table, number, cells in islice(table_rows(content, name), MOST_LINES):
        tables.setdefault(table, []).append((number, cells))
    if not tables:
        raise CardwatchError(f"{content.path} is HTML without a table; export it again")
    largest = max(tables, key=lambda table: len(tables[table]))
    return Grid(content.path, "html", _rectangle(tables[largest]))


def _json_lines(path: Path, text: str) -> Grid:
    names: dict[str, None] = {}
    rows = []
    try:
        for line in islice(text.splitlines(), MOST_LINES):
            if line.strip():
                rows.append(dict(json.loads(line, parse_float=str, parse_int=str)))
                names |= dict.fromkeys(rows[-1])
    except (ValueError, TypeError) as error:
        raise CardwatchError(f"{path} is not one JSON object a line; export it as CSV") from error
    cells = [tuple("" if row.get(n) is None else str(row[n]) for n in names) for row in rows]
    return Grid(path, "json_lines", list(enumerate([tuple(names), *cells])))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{int(value)}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    return "" if value is None else str(value)


def _parquet(path: Path) -> Grid:
    table = pq.read_table(path).slice(0, MOST_LINES)
    columns = [[_cell(value) for value in column.to_pylist()] for column in table.columns]
    return Grid(
        path,
        "parquet",
        list(enumerate([tuple(table.column_names), *zip(*columns, strict=True)])),
    )
