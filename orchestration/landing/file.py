"""One landed file: whether it can be loaded, and its rows as text whatever its format."""

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed

FORMATS = (".csv", ".parquet")

# Digits that could be a card number, however they are grouped; more than the Luhn sum finds.
_CARD_LIKE = re.compile(r"\d(?:[\s\-\u2010-\u2015._/]*\d){12,}")

# Lines or rows in memory at a time while a file is read.
PIECE = 50_000


@dataclass(frozen=True)
class CheckedFile:
    """A file that has what its feed requires; the header is in lower case, without blanks."""

    feed: Feed
    path: Path
    file_hash: str
    header: tuple[str, ...]


@dataclass(frozen=True)
class BrokenLine:
    """A line of a CSV file that is no row, or a row of any file that cannot be typed; masked."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Piece:
    """Some of a file's rows, in columns "#0", "#1", … and "#line", and the broken lines among them.

    The line of a row is its physical line in a CSV file (the header begins on line 1; of a row
    over several lines it is the first), and its number from 1 in a Parquet file.
    """

    rows: pa.Table
    broken: list[BrokenLine]


def check_file(path: Path, feed: Feed, file_hash: str | None = None) -> CheckedFile:
    """Refuse a file that cannot be one of the feed, before anything is done with it."""
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise CardwatchError(f"{path} {what}; name a {' or '.join(FORMATS)} file")
    if path.suffix.lower() not in FORMATS:
        raise CardwatchError(f"{path} is neither {' nor '.join(FORMATS)}; export it as one of them")
    if path.stat().st_size == 0:
        raise CardwatchError(f"{path} is empty; export it again")
    if not _is_utf8(path.name):
        raise CardwatchError(f"{path.name!r} is a name that is not UTF-8; rename the file")
    names = _parquet_header(path) if _is_parquet(path) else _csv_header(path)
    header = feed.names(names)
    # What the file does hold is not repeated: without a header line these would be values.
    if missing := [name for name in feed.required if name not in header]:
        raise CardwatchError(
            f"{path} lacks {', '.join(missing)}, which feed {feed.feed!r} of {feed.source!r} "
            "requires; add it (the first line of a CSV file names the columns, with commas between)"
        )
    for column in feed.columns:
        if header.count(column.name) > 1:
            raise CardwatchError(f"{path} has the column {column.name} twice; remove one of them")
    return CheckedFile(feed, path, file_hash or hash_file(path), header)


def hash_file(path: Path) -> str:
    """SHA-256 of the file's bytes, which is its identity."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_pieces(file: CheckedFile) -> Iterator[Piece]:
    """Read a checked file from its first row to its last."""
    if _is_parquet(file.path):
        return _parquet_pieces(file.path)
    return _csv_pieces(file.path, len(file.header))


def masked(text: str) -> str:
    """Replace everything that could be a card number by its last four digits."""

    def last_four(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0].removesuffix(".0"))
        return "*" * 12 + digits[-4:]

    return _CARD_LIKE.sub(last_four, text)


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _parquet_header(path: Path) -> list[str]:
    try:
        return list(pq.read_schema(path).names)
    except (pa.ArrowException, OSError) as error:
        raise CardwatchError(f"{path} is not a readable Parquet file; export it again") from error


def _parquet_pieces(path: Path) -> Iterator[Piece]:
    row = 1
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PIECE):
                yield Piece(_table(batch.columns, np.arange(row, row + batch.num_rows)), [])
                row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise CardwatchError(f"{path} is damaged after row {row - 1}; export it again") from error


def _open_csv(path: Path) -> TextIO:
    # Bytes that are not UTF-8 become surrogates, so that they cost their own line only.
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _csv_header(path: Path) -> list[str]:
    try:
        with _open_csv(path) as stream:
            names = next(csv.reader(stream, strict=True), [])
    except csv.Error:
        names = []
    if not names or not _is_utf8("".join(names)):
        raise CardwatchError(
            f"the first line of {path} is not UTF-8 text with commas between; export it as such"
        )
    return names


def _csv_pieces(path: Path, width: int) -> Iterator[Piece]:
    with _open_csv(path) as stream:
        header = csv.reader(stream, strict=True)
        next(header)
        number = header.line_num + 1
        lines: list[str] = []
        while True:
            fresh = list(islice(stream, PIECE))
            lines += fresh
            if not lines:
                return
            piece, used = _csv_piece(lines, number, width, at_end=not fresh)
            yield piece
            lines = lines[used:]
            number += used


def _csv_piece(lines: list[str], first: int, width: int, at_end: bool) -> tuple[Piece, int]:
    """Split lines into rows and broken lines; also say how many of the lines that used up."""
    with suppress(csv.Error, UnicodeEncodeError):
        records = list(csv.reader(lines, strict=True))
        if len(records) == len(lines) and all(len(record) == width for record in records):
            numbers = range(first, first + len(lines))
            return Piece(_text_table(records, numbers, width), []), len(lines)

    # Not simply one row a line. So record by record: a broken one costs its first line only and
    # the next line is tried as a record of its own, or one open quote would swallow what follows.
    rows: list[list[str]] = []
    row_numbers: list[int] = []
    broken: list[BrokenLine] = []
    at = 0
    while at < len(lines):
        reader = csv.reader((lines[later] for later in range(at, len(lines))), strict=True)
        record: list[str] = []
        try:
            record = next(reader)
            problem = _problem(record, width)
        except csv.Error as error:
            if not at_end and at + reader.line_num == len(lines):
                break  # the record may go on in the next piece
            problem = f"quotes are not balanced ({error})"
        if not problem:
            rows.append(record)
            row_numbers.append(first + at)
            at += reader.line_num
            continue
        if lines[at].strip():
            broken.append(BrokenLine(first + at, problem, _printable(lines[at].rstrip("\r\n"))))
        at += 1
    return Piece(_text_table(rows, row_numbers, width), broken), at


def _problem(record: list[str], width: int) -> str | None:
    if len(record) != width:
        return f"{len(record)} columns instead of {width}"
    return None if _is_utf8("".join(record)) else "not UTF-8 text"


def _is_utf8(text: str) -> bool:
    """Whether no byte of the text had to be escaped when it was read."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(line: str) -> str:
    return masked(line.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def _text_table(records: Sequence[Sequence[str]], lines: Sequence[int], width: int) -> pa.Table:
    columns = zip(*records, strict=True) if records else [()] * width
    return _table([pa.array(column, pa.string()) for column in columns], lines)


def _table(columns: Sequence[pa.Array], lines: Any) -> pa.Table:
    names = [*(f"#{position}" for position in range(len(columns))), "#line"]
    return pa.table([*columns, pa.array(lines, pa.int64())], names=names)
