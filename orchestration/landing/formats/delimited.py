"""Text with a sign between values: CSV, and the same with semicolons, tabs or bars."""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed
from orchestration.landing.formats import blocks
from orchestration.landing.formats import encoding as text
from orchestration.landing.formats.content import SAMPLE, Content
from orchestration.landing.formats.header import EARLY_LINES, Header, NoHeaderError, find_header
from orchestration.landing.formats.tidy import Tidy
from orchestration.landing.pieces import Piece, Rows, is_unicode

DELIMITERS = (",", ";", "\t", "|")

_SEP = re.compile(r'"?sep=(.)"?')
_MARK = b"\xef\xbb\xbf"


def open_delimited(content: Content, feed: Feed) -> Rows:
    """Find encoding, delimiter and header of a text; CardwatchError where there is no header."""
    encoding = text.encoding_of(content, feed.layout.encoding)
    start = next(text.utf8_blocks(content, encoding, SAMPLE), b"")
    delimiter, header = _find_header(content, feed, start)
    if not is_unicode("".join(header.names)):
        raise CardwatchError(f"the header of {content.path} is {text.undecodable(encoding)}")
    form = blocks.Form(delimiter, header.names, text.undecodable(encoding))
    return Rows(header.names, partial(_pieces, content, feed, encoding, form, header))


def _find_header(content: Content, feed: Feed, start: bytes) -> tuple[str, Header]:
    """The delimiter by which one of the first lines is the header, and that header."""
    lines = [
        line.decode("utf-8", "surrogateescape")
        for line in blocks.physical_lines(start)[: EARLY_LINES + feed.layout.header_lines]
    ]
    declared = feed.layout.delimiter
    if lines and (sep := _SEP.fullmatch(lines[0].strip("\r\n"))):
        declared = declared or sep[1]
    refusals: list[NoHeaderError] = []
    found: dict[str, Header] = {}
    for delimiter in (declared,) if declared else DELIMITERS:
        if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
            raise CardwatchError(
                f"the format setting delimiter is {delimiter!r}; it must be one ASCII character"
            )
        try:
            found[delimiter] = find_header(content, feed, list(_records(lines, delimiter)))
        except NoHeaderError as refusal:
            refusals.append(refusal)
    if feed.layout.header_line is not None and found:
        # Any delimiter finds that line; the true one makes columns of it.
        most = max(found, key=lambda delimiter: len(found[delimiter].names))
        found = {most: found[most]}
    if not found:
        raise min(refusals, key=lambda refusal: len(str(refusal)))
    if len(found) > 1:
        raise CardwatchError(
            f"{content.path} may be delimited by {' or '.join(map(repr, found))}; "
            "name the right one with the format setting delimiter"
        )
    return next(iter(found.items()))


def _records(lines: Sequence[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The record that begins in each line, with the line's number; empty where it is broken.

    At last comes an empty one after the last line.
    """
    at = 0
    while at < len(lines):
        rest = (lines[later] for later in range(at, len(lines)))
        reader = csv.reader(rest, delimiter=delimiter, strict=True)
        try:
            record, used = next(reader), reader.line_num
        except csv.Error:
            record, used = [], 1
        yield at + 1, record
        at += used
    yield at + 1, []


def _pieces(
    content: Content, feed: Feed, encoding: str, form: blocks.Form, header: Header
) -> Iterator[Piece]:
    tidy = Tidy.of(feed, header.names, header.lines)
    rest, number, before = b"", 1, header.next_line - 1
    for block, at_end in _with_end(text.utf8_blocks(content, encoding)):
        buffer = rest + block
        if before:
            ends = blocks.line_ends(np.frombuffer(buffer, np.uint8), at_end)
            if len(ends) < before and not at_end:
                rest = buffer
                continue
            buffer = buffer[ends[before - 1] + 1 :] if len(ends) >= before else b""
            number, before = before + 1, 0
        # Files that were put together keep the marks at their beginnings.
        if _MARK in buffer:
            buffer = re.sub(rb"(^|[\r\n])(?:\xef\xbb\xbf)+", rb"\1", buffer)
        piece, used, lines = blocks.split(buffer, number, form, at_end)
        if len(buffer) - used > blocks.LONGEST_LINE:
            raise CardwatchError(
                f"{content.path} has a line of more than {blocks.LONGEST_LINE:,} bytes "
                f"(line {number + lines}); it is no text of rows"
            )
        rest, number = buffer[used:], number + lines
        yield tidy(piece)


def _with_end(found: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and at last nothing, with whether it is the end."""
    for block in found:
        yield block, False
    yield b"", True
