"""Workbooks of Excel, .xlsx and the old .xls; numbers and dates as the text that they mean."""

import datetime
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from orchestration.engine.errors import CardwatchError
from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.content import Content
from orchestration.landing.formats.grid import grid_rows
from orchestration.landing.formats.header import EARLY_LINES, Header, NoHeaderError, find_header
from orchestration.landing.pieces import Rows

# The library holds a sheet as a rectangle, so that one stray cell far away would fill the memory.
MOST_CELLS = 40_000_000

# From here on a spreadsheet's number has lost digits, and says so by its exponent.
_EXACT = 1e15
_CELL = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]+)([0-9]+)"')
_CHUNK = 16_000_000


def open_workbook(content: Content, feed: Feed) -> Rows:
    """Open the sheet that is declared, or the only one which has the feed's header."""
    _require_moderate_size(content)
    names, visible = sheet_names(content)
    declared = feed.layout.sheet
    if declared is not None and declared not in names:
        raise CardwatchError(
            f"{content.path} has no sheet {declared!r}, which the format setting sheet names; "
            f"use one of: {_listed(names)}"
        )
    found: dict[str, Header] = {}
    refusals: list[NoHeaderError] = []
    for name in [declared] if declared is not None else visible or names:
        try:
            early = islice(sheet_rows(content, name), EARLY_LINES + feed.layout.header_lines)
            found[name] = find_header(content, feed, list(early), where="row")
        except NoHeaderError as refusal:
            refusals.append(refusal)
    if len(found) > 1:
        raise CardwatchError(
            f"{content.path} has rows in the sheets {_listed(list(found))}; name one of them with "
            "the format setting sheet, or save each as a file of its own"
        )
    if not found:
        if not refusals:
            raise CardwatchError(f"{content.path} has no sheet with rows; export it again")
        raise min(refusals, key=lambda refusal: len(str(refusal)))
    ((name, header),) = found.items()
    return grid_rows(feed, partial(sheet_rows, content, name), header)


def sheet_names(content: Content) -> tuple[list[str], list[str]]:
    """The names of a workbook's sheets, all and those that are shown."""
    with _opened(content) as book:
        sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
        return [sheet.name for sheet in sheets], visible


def sheet_rows(content: Content, sheet: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of a sheet as text, with their numbers from 1."""
    with _opened(content) as book:
        cells = book.get_sheet_by_name(sheet)
        if cells.start is not None:
            for number, row in enumerate(cells.iter_rows(), start=1):
                yield number, [_text(value) for value in row]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        # Excel itself shows 15 digits; what lies beyond comes of its binary sums.
        return f"{value:.15g}" if abs(value) < _EXACT else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}"
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


@contextmanager
def _opened(content: Content) -> Iterator[CalamineWorkbook]:
    # By its bytes: of a path the library believes the suffix.
    with (
        _guarded(content),
        content.path.open("rb") as file,
        CalamineWorkbook.from_filelike(file) as book,
    ):
        yield book


@contextmanager
def _guarded(content: Content) -> Iterator[None]:
    """Say in one sentence what the library, or its Rust, says of a workbook."""
    try:
        yield
    except PasswordError as error:
        raise CardwatchError(
            f"{content.path} is protected by a password; save it without one"
        ) from error
    except (CalamineError, zipfile.BadZipFile, zlib.error, OSError) as error:
        raise CardwatchError(
            f"{content.path} is not a readable workbook; save it anew as .xlsx or CSV"
        ) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of pyo3, which exports no class
            raise
        raise CardwatchError(
            f"{content.path} is a damaged workbook; save it anew as .xlsx or CSV"
        ) from error


def _require_moderate_size(content: Content) -> None:
    """Refuse an .xlsx of which a sheet reaches too far; an .xls cannot."""
    if not zipfile.is_zipfile(content.path):
        return
    with _guarded(content), zipfile.ZipFile(content.path) as archive:
        for name in archive.namelist():
            if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
                continue
            columns: set[bytes] = set()
            last_row = 0
            tail = b""
            with archive.open(name) as stream:
                while chunk := stream.read(_CHUNK):
                    for column, row in _CELL.findall(tail + chunk):
                        columns.add(column)
                        last_row = max(last_row, int(row[:9]))
                    tail = chunk[-200:]
            last_column = max(map(_column_number, columns), default=0)
            if last_row * last_column > MOST_CELLS:
                raise CardwatchError(
                    f"{content.path} has a cell in row {last_row:,} and one in column "
                    f"{last_column:,}, which makes a sheet of more than {MOST_CELLS:,} cells; "
                    "delete what stands far from the rows, or export the sheet as CSV"
                )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters[:4]:
        number = number * 26 + letter - 64
    return number


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(masked(name)) for name in names)
