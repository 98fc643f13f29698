"""Tables of HTML, which many portals send under the name .xls; nothing is fetched or expanded."""

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias

from lxml import etree

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.content import Content
from orchestration.landing.formats.encoding import encoding_of, utf8_blocks
from orchestration.landing.formats.grid import grid_rows
from orchestration.landing.formats.header import EARLY_LINES, Header, NoHeaderError, find_header
from orchestration.landing.pieces import Rows

# A row of one of the document's tables: the table, the row's number in it, its cells.
_Row: TypeAlias = tuple[int, int, list[str]]

_BLOCK = 1_000_000
_MOST_COLUMNS = 16_384
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w-]{1,30})", re.IGNORECASE)
# What browsers read where these are named: the larger set that is really sent.
_WIDER = {"euc_kr": "cp949", "iso8859-1": "cp1252", "ascii": "cp1252"}


def open_html(content: Content, feed: Feed) -> Rows:
    """Open the only table that has the feed's header; CardwatchError where there is none."""
    start = content.sample()
    if b"<!entity" in start.lower():
        raise CardwatchError(f"{content.path} declares entities of its own; export it without")
    encoding = html_encoding(content, feed.layout.encoding)
    early: dict[int, list[tuple[int, Sequence[str]]]] = {}
    for table, number, cells in table_rows(content, encoding):
        if number <= EARLY_LINES + feed.layout.header_lines:
            early.setdefault(table, []).append((number, cells))
    found: dict[int, Header] = {}
    refusals: list[NoHeaderError] = []
    for table, rows in early.items():
        try:
            found[table] = find_header(content, feed, rows, where="row")
        except NoHeaderError as refusal:
            refusals.append(refusal)
    if len(found) > 1:
        raise CardwatchError(
            f"{content.path} has {len(found)} tables with the feed's header; land one a file"
        )
    if not found:
        if not refusals:
            raise CardwatchError(f"{content.path} is HTML without a table; export it again")
        raise min(refusals, key=lambda refusal: len(str(refusal)))
    ((table, header),) = found.items()
    return grid_rows(feed, partial(_rows_of, content, encoding, table), header)


def html_encoding(content: Content, declared: str | None = None) -> str:
    """The encoding that is declared, or that the document names, or that its bytes show."""
    return encoding_of(content, declared or _named_in(content.sample()))


def _named_in(start: bytes) -> str | None:
    if named := _CHARSET.search(start):
        with suppress(LookupError):
            name = codecs.lookup(named[1].decode("ascii", "replace")).name
            return _WIDER.get(name, name)
    return None


def _rows_of(content: Content, encoding: str, wanted: int) -> Iterator[tuple[int, list[str]]]:
    for table, number, cells in table_rows(content, encoding):
        if table == wanted:
            yield number, cells


def table_rows(content: Content, encoding: str) -> Iterator[_Row]:
    """Every row of every table, in the order in which they end."""
    tables = _Tables()
    parser = etree.HTMLPullParser(events=("start", "end"), encoding="utf-8", no_network=True)
    try:
        for block in utf8_blocks(content, encoding, _BLOCK):
            parser.feed(block)
            yield from tables.rows(parser)
        parser.close()
        yield from tables.rows(parser)
    except etree.LxmlError as error:
        raise CardwatchError(f"{content.path} is no readable HTML; export it again") from error


class _Tables:
    """Which tables are open while a document is read, and what reaches down from rows above."""

    def __init__(self) -> None:
        self.seen = 0
        self.open: list[tuple[int, list[int], dict[int, tuple[int, str]]]] = []

    def rows(self, parser: Any) -> Iterator[_Row]:
        for event, element in parser.read_events():
            if element.tag == "table" and event == "start":
                self.open.append((self.seen, [0], {}))
                self.seen += 1
            elif element.tag == "table" and self.open:
                self.open.pop()
                element.clear(keep_tail=True)
            elif element.tag == "tr" and event == "end" and self.open:
                table, count, reaching = self.open[-1]
                count[0] += 1
                yield table, count[0], _cells(element, reaching)
                element.clear(keep_tail=True)
                while (done := element.getprevious()) is not None and done.tag == "tr":
                    element.getparent().remove(done)


def _cells(row: Any, reaching: dict[int, tuple[int, str]]) -> list[str]:
    """The texts of a row, each where it stands: a cell over several rows is in each of them."""
    cells: list[str] = []

    def from_above() -> None:
        while (at := len(cells)) in reaching:
            more, text = reaching.pop(at)
            cells.append(text)
            if more > 1:
                reaching[at] = (more - 1, text)

    for cell in row.iterchildren("td", "th"):
        from_above()
        text = " ".join(" ".join(cell.itertext("*")).split()) if len(cell) else (cell.text or "")
        down = _span(cell.get("rowspan"))
        for part in range(min(_span(cell.get("colspan")), _MOST_COLUMNS - len(cells))):
            if down > 1:
                reaching[len(cells)] = (down - 1, "" if part else text.strip())
            cells.append("" if part else text.strip())
    from_above()
    return cells


def _span(written: str | None) -> int:
    return int(written) if written and re.fullmatch(r"[0-9]{1,5}", written) and int(written) else 1
