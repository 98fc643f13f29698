"""Small files of every format, made on the spot, and what a reader makes of them."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from orchestration.landing.feeds import Column, Feed
from orchestration.landing.file import check_file, read_pieces
from orchestration.landing.layout import Layout

SALES = Feed(
    source="shop",
    feed="sales",
    table="shop__sales",
    event_column="sold_at",
    columns=(
        Column("sale_id", "VARCHAR", required=True, card_number=False, called=("이용번호",)),
        Column("sold_at", "TIMESTAMP", required=True, card_number=False, called=("Sold On",)),
        Column("amount", "DOUBLE", required=True, card_number=False, called=("이용금액(원)",)),
        Column("note", "VARCHAR", required=False, card_number=False),
    ),
)


def sales(**form: Any) -> Feed:
    """The shop's feed with these format settings."""
    return replace(SALES, layout=Layout(**form))


def read(
    path: Path, feed: Feed = SALES
) -> tuple[list[tuple[Any, ...]], list[tuple[int, str, str]]]:
    """Rows as (line, texts…) with the feed's columns that the file has, and the broken lines."""
    file = check_file(path, feed)
    declared = {column.name for column in feed.columns}
    places = [at for at, name in enumerate(file.header) if name in declared]
    rows: list[tuple[Any, ...]] = []
    broken: list[tuple[int, str, str]] = []
    for piece in read_pieces(file):
        columns = [piece.rows.column("#line"), *(piece.rows.column(at) for at in places)]
        rows += zip(*(column.to_pylist() for column in columns), strict=True)
        broken += [(line.line, line.reason, line.text) for line in piece.broken]
    return rows, broken


def write(folder: Path, content: str | bytes, name: str = "x.csv", encoding: str = "utf-8") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def zipped(folder: Path, members: dict[str, bytes], name: str = "x.zip") -> Path:
    """A zip archive of these files."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def workbook(
    sheets: dict[str, Iterable[Sequence[Any]]], hidden: Sequence[str] = (), first_row: int = 1
) -> bytes:
    """An .xlsx: text cells for str, date styles for (serial number, style), else numbers."""
    book = "".join(
        f'<sheet name="{escape(name)}" sheetId="{at}" r:id="rId{at}" '
        f'state="{"hidden" if name in hidden else "visible"}"/>'
        for at, name in enumerate(sheets, start=1)
    )
    relations = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    styles = '<Relationship Id="rId99" Type="' + _OFFICE + '/styles" Target="styles.xml"/>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{book}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}{styles}</Relationships>',
        )
        archive.writestr("xl/styles.xml", _STYLES)
        for at, rows in enumerate(sheets.values(), start=1):
            xml = "".join(_row(number, cells) for number, cells in enumerate(rows, first_row))
            archive.writestr(
                f"xl/worksheets/sheet{at}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{xml}</sheetData></worksheet>',
            )
    return packed.getvalue()


def _row(number: int, cells: Sequence[Any]) -> str:
    return f'<row r="{number}">{"".join(_cell(number, *each) for each in enumerate(cells))}</row>'


def _cell(row: int, at: int, value: Any) -> str:
    place = f'r="{chr(65 + at)}{row}"'
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, tuple):
        return f'<c {place} s="{STYLES[value[1]]}"><v>{value[0]}</v></c>'
    if isinstance(value, str):
        text = escape(value).replace("\r", "&#13;")
        return f'<c {place} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f"<c {place}><v>{value!r}</v></c>"


STYLES = {"date": 1, "datetime": 2, "time": 3}
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPES = (
    f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts><font/></fonts><fills><fill/></fills><borders><border/>'
    '</borders><cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="22"/><xf numFmtId="21"/></cellXfs></styleSheet>'
)
