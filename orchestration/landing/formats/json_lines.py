"""JSON Lines: one object a line, its numbers as they are written."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from orchestration.landing.card_numbers import masked
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.blocks import physical_lines
from orchestration.landing.formats.content import SAMPLE, Content
from orchestration.landing.formats.encoding import (
    encoding_of,
    printable,
    undecodable,
    utf8_blocks,
)
from orchestration.landing.formats.header import lacks, missing_columns
from orchestration.landing.formats.lines import numbered_lines
from orchestration.landing.formats.tidy import Tidy
from orchestration.landing.pieces import BrokenLine, Piece, Rows, is_unicode, text_table


def open_json_lines(content: Content, feed: Feed) -> Rows:
    """Take the names from the first lines; a declared column may also come later.

    CardwatchError where the first lines lack a required column.
    """
    encoding = encoding_of(content, feed.layout.encoding)
    seen: dict[str, None] = {}
    start = next(utf8_blocks(content, encoding, SAMPLE), b"")
    for line in physical_lines(start):
        record, _ = _record(line, encoding)
        seen |= dict.fromkeys(record or ())
    if missing_columns(feed, list(seen)):
        raise lacks(content, feed, list(seen))
    # One spelling of each column; declared ones also where the first lines lack them.
    spellings = dict(zip(reversed(feed.names(list(seen))), reversed(seen), strict=True))
    names = [name for name in seen if name in spellings.values()]
    names += [column.name for column in feed.columns if column.name not in spellings]
    return Rows(names, partial(_pieces, content, feed, encoding, names))


def _pieces(content: Content, feed: Feed, encoding: str, names: list[str]) -> Iterator[Piece]:
    tidy = Tidy.of(feed, names)
    places = _Places(feed, names)
    for first, lines in numbered_lines(content, encoding):
        rows: list[list[str | None]] = []
        numbers: list[int] = []
        broken: list[BrokenLine] = []
        for number, line in enumerate(lines, start=first):
            record, reason = _record(line, encoding)
            values: list[str | None] = [None] * len(names)
            for name, value in (record or {}).items():
                if (at := places[name]) is not None:
                    reason = reason or (_twice(name) if values[at] is not None else None)
                    values[at] = value
            if reason is None:
                rows.append(values)
                numbers.append(number)
            elif line.strip():
                text = masked(printable(line.rstrip(b"\r\n")))
                broken.append(BrokenLine(number, reason, text))
        yield tidy(Piece(text_table(rows, np.array(numbers, np.int64), len(names)), broken))


class _Places(dict[str, int | None]):
    """Where each name of a record stands; other spellings of a column stand with it.

    What is neither in the header nor declared has no place.
    """

    def __init__(self, feed: Feed, names: list[str]) -> None:
        super().__init__((name, at) for at, name in enumerate(names))
        self.feed = feed
        self.columns = {name: at for at, name in enumerate(feed.names(names))}

    def __missing__(self, name: str) -> int | None:
        self[name] = self.columns.get(self.feed.names([name])[0])
        return self[name]


def _twice(name: str) -> str:
    return f"the name {masked(name)!r} stands twice in one object"


def _record(line: bytes, encoding: str) -> tuple[dict[str, str | None] | None, str | None]:
    """The values of a line as texts, or the reason why it is no row."""
    try:
        found = _DECODER.decode(line.decode())
    except UnicodeDecodeError:
        return None, undecodable(encoding)
    except _RepeatedError as error:
        return None, _twice(str(error))
    except (ValueError, RecursionError):
        return None, "not one JSON object"
    if not isinstance(found, dict):
        return None, "not one JSON object"
    record = {name: _text(value) for name, value in found.items()}
    if not is_unicode("".join([*record, *filter(None, record.values())])):
        return None, "a value is no text"
    return record, None


class _RepeatedError(ValueError):
    """An object that has a name twice, of which JSON readers keep the last without a word."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedError(next(name for name in names if names.count(name) > 1))
    return found


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=str
)
