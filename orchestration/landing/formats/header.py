"""Where the header of a file is, among its first lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.content import Content

# So many lines may stand before the header.
EARLY_LINES = 100


class NoHeaderError(CardwatchError):
    """A file in which no line can be the header."""


@dataclass(frozen=True)
class Header:
    """The names in a header, the lines they stand in, and the number of the line after it."""

    names: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    next_line: int


def find_header(
    content: Content, feed: Feed, rows: Sequence[tuple[int, Sequence[str]]], where: str = "line"
) -> Header:
    """Find the header among a file's first rows, which come with their line or row numbers.

    It is the declared one, or the only one that holds every required column of the feed.
    """
    span, declared = feed.layout.header_lines, feed.layout.header_line
    found: dict[tuple[str, ...], Header] = {}
    closest: tuple[str, ...] = ()
    for at in range(len(rows) - span + 1):
        # Most lines are rows of data, which need no closer look; names over two lines do.
        if declared is None and span == 1 and not feed.has_name_in(rows[at][1]):
            continue
        header = _header(rows, at, span)
        missing = missing_columns(feed, header.names)
        if declared is not None and rows[at][0] == declared:
            if missing:
                raise lacks(content, feed, header.names)
            return header
        if not missing:
            found.setdefault(header.names, header)
        elif len(missing) < len(missing_columns(feed, closest)):
            closest = header.names
    if declared is not None:
        raise NoHeaderError(
            f"{content.path} has no {where} {declared}, where the format setting header_line "
            "looks for the header; correct the setting or the file"
        )
    if not found:
        raise lacks(content, feed, closest)
    if len(found) > 1:
        numbers = " and ".join(str(header.next_line - span) for header in found.values())
        raise NoHeaderError(
            f"{content.path} has a header in {where} {numbers}; "
            "name the right one with the format setting header_line"
        )
    return next(iter(found.values()))


def _header(rows: Sequence[tuple[int, Sequence[str]]], at: int, span: int) -> Header:
    lines = tuple(tuple(cells) for _, cells in rows[at : at + span])
    last = rows[at + span - 1][0]
    following = rows[at + span][0] if at + span < len(rows) else last + 1
    return Header(joined(lines), lines, following)


def missing_columns(feed: Feed, names: Sequence[str]) -> list[str]:
    """The required columns that a header does not have."""
    present = feed.names(names)
    return [name for name in feed.required if name not in present]


def lacks(content: Content, feed: Feed, names: Sequence[str]) -> NoHeaderError:
    """What to say of a file without a required column.

    What the file does hold is not repeated: without a header line these would be values.
    """
    return NoHeaderError(
        f"{content.path} lacks {', '.join(missing_columns(feed, names))}, which feed "
        f"{feed.feed!r} of {feed.source!r} requires; add it to the header, or give the name that "
        "the header has for it in the source's yml (meta.column); of a file in another layout "
        "`cardwatch adopt` makes a source"
    )


def joined(lines: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The names of a header of one line or more; what stands below each other is one name.

    A name over several columns stands over the first of them, as spreadsheets write it.
    """
    width = max((len(line) for line in lines), default=0)
    grid = [[text.strip() for text in line] + [""] * (width - len(line)) for line in lines]
    for above, below in pairwise(grid):
        for at in range(1, width):
            if not above[at] and below[at] and below[at - 1] and above[at - 1]:
                above[at] = above[at - 1]
    names = (
        list(dict.fromkeys(part for part in column if part)) for column in zip(*grid, strict=True)
    )
    return tuple(" ".join(parts) for parts in names)
