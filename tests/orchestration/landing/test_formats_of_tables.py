"""Workbooks, HTML, JSON Lines, Parquet and fixed places, and what packs them."""

import gzip
import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Column
from orchestration.landing.formats import content as landed_content
from orchestration.landing.formats import workbook as landed_workbook
from tests.orchestration.landing.files import SALES, read, sales, workbook, write, zipped

HEADER = ["sale_id", "sold_at", "amount", "note"]
ROW = ["s1", "2025-01-31", "1.50", "a"]
READ = ([(2, *ROW)], [])


# --- workbooks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (123456789012345, "123456789012345"),
        (0.1 + 0.2, "0.3"),
        (-1500.0, "-1500"),
        (1234567890123456789, "1.2345678901234568e+18"),
        (1.5e-07, "1.5e-07"),
        (True, "true"),
        ((45688, "date"), "2025-01-31"),
        ((45688.75, "datetime"), "2025-01-31 18:00:00"),
        ((0.75, "time"), "18:00:00"),
        ("0012", "0012"),
        ("스타벅스 & <b>", "스타벅스 & <b>"),
    ],
)
def test_a_cell_is_the_text_that_it_means(tmp_path: Path, cell: Any, text: str) -> None:
    path = write(tmp_path, workbook({"S": [HEADER, [*ROW[:3], cell]]}), "x.xlsx")
    assert read(path) == ([(2, *ROW[:3], text)], [])


def test_the_header_of_a_sheet_is_found_and_blank_rows_are_none(tmp_path: Path) -> None:
    rows = [["Report"], [], HEADER, ROW, [], HEADER, [None, None, 1.5], ["합계", None, 9]]
    path = write(tmp_path, workbook({"S": rows}, first_row=3), "x.xls")
    found, broken = read(path, sales(totals=("합계",)))
    assert found == [(6, *ROW), (9, "", "", "1.5", "")]
    assert broken == []


def test_the_sheet_with_the_header_is_read(tmp_path: Path) -> None:
    sheets = {"Notes": [["hello"]], "Data": [HEADER, ROW], "Old": [HEADER, ROW]}
    assert read(write(tmp_path, workbook(sheets, hidden=["Old"]), "x.xlsx")) == READ
    path = write(tmp_path, workbook(sheets), "x.xlsx")
    with pytest.raises(CardwatchError, match="in the sheets 'Data', 'Old'; name one of them"):
        read(path)
    assert read(path, sales(sheet="Old")) == READ
    with pytest.raises(CardwatchError, match="has no sheet 'New', which the format setting"):
        read(path, sales(sheet="New"))
    with pytest.raises(CardwatchError, match="lacks sale_id, sold_at, amount"):
        read(write(tmp_path, workbook({"S": [["hello"]], "T": []}), "x.xlsx"))
    with pytest.raises(CardwatchError, match="lacks sale_id, sold_at, amount"):
        read(write(tmp_path, workbook({"T": []}), "x.xlsx"))


def test_a_cell_far_away_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [HEADER, *[ROW] * 30]
    path = write(tmp_path, workbook({"S": rows}), "x.xlsx")
    monkeypatch.setattr(landed_workbook, "MOST_CELLS", 31 * 4)
    assert len(read(path)[0]) == 30
    monkeypatch.setattr(landed_workbook, "MOST_CELLS", 31 * 4 - 1)
    with pytest.raises(CardwatchError, match="a cell in row 31 and one in column 4, which makes"):
        read(path)


def test_damaged_workbooks_are_one_sentence(tmp_path: Path) -> None:
    whole = workbook({"S": [HEADER, ROW]})
    for cut in (len(whole) // 2, 30):
        with pytest.raises(CardwatchError, match="damaged zip archive or workbook"):
            read(write(tmp_path, whole[:cut], "x.xlsx"))
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)
    with pytest.raises(CardwatchError, match="not a readable workbook"):
        read(write(tmp_path, old, "x.xls"))
    for part, what in {"xl/workbook.bin": "binary .xlsb", "content.xml": "OpenDocument"}.items():
        with pytest.raises(CardwatchError, match=f"is an? {what}"):
            read(zipped(tmp_path, {part: b"x"}, "x.xlsx"))


# --- HTML -----------------------------------------------------------------------------------------


def _html(*rows: str, before: str = "") -> str:
    return f"<html><body>{before}<table border=1>{''.join(rows)}</table></body></html>"


HEAD = "<tr>" + "".join(f"<th>{name}</th>" for name in HEADER) + "</tr>"


def test_a_table_of_html_is_read_whatever_its_name(tmp_path: Path) -> None:
    rows = [
        "<tr><td colspan=2>Card statement</td></tr>",
        HEAD,
        "<tr><td>s3<td>2025-01-31<td>1&nbsp;500<td>A &amp; B<br>C</tr>",
        "<tr><td rowspan='2'>s4</td><td>2025-01-31</td><td>1</td><td></td></tr>",
        "<tr><td>2025-02-01</td><td>2</td><td>x</td></tr>",
        "<tr><td>s6</td><td>2025-02-01</td><td>2</td><td>x</td><td>more</td></tr>",
    ]
    nested = "<table><tr><td>logo</td></tr></table>"
    path = write(tmp_path, _html(*rows, before=nested), "x.xls")
    found, broken = read(path)
    assert found == [
        (3, "s3", "2025-01-31", "1\N{NO-BREAK SPACE}500", "A & B C"),
        (4, "s4", "2025-01-31", "1", ""),
        (5, "s4", "2025-02-01", "2", "x"),
    ]
    assert broken == [(6, "5 columns instead of 4", "s6\t2025-02-01\t2\tx\tmore")]


@pytest.mark.parametrize("charset", ["euc-kr", "utf-8", "ks_c_5601-1987"])
def test_html_says_its_encoding(tmp_path: Path, charset: str) -> None:
    head = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">'
    row = "<tr><td>s1</td><td>2025-01-31</td><td>1</td><td>스타벅스</td></tr>"
    written = "utf-8" if charset == "utf-8" else "cp949"
    path = write(tmp_path, _html(head, HEAD, row), "x.xls", encoding=written)
    assert read(path)[0] == [(2, "s1", "2025-01-31", "1", "스타벅스")]


def test_html_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CardwatchError, match="is HTML without a table"):
        read(write(tmp_path, "<html><p>Your session has expired</p></html>", "x.xls"))
    with pytest.raises(CardwatchError, match="has 2 tables with the feed's header"):
        read(write(tmp_path, _html(HEAD) + _html(HEAD), "x.xls"))
    with pytest.raises(CardwatchError, match="lacks sale_id, sold_at"):
        read(write(tmp_path, _html("<tr><td>x</td></tr>"), "x.xls"))
    secret = write(tmp_path, "secret", "secret.txt")
    entity = f'<!DOCTYPE html [<!ENTITY e SYSTEM "file://{secret}">]>'
    with pytest.raises(CardwatchError, match="declares entities of its own"):
        read(write(tmp_path, entity + _html(HEAD, "<tr><td>&e;</td></tr>"), "x.xls"))


# --- JSON Lines -----------------------------------------------------------------------------------


def test_json_lines_keep_numbers_as_they_are_written(tmp_path: Path) -> None:
    lines = [
        '{"Sale_ID": 12345678901234567890, "sold_at": "2025-01-31", "amount": 1.10, "more": [1]}',
        "",
        '{"sale_id": "s3", "sold_at": "2025-01-31", "amount": 1e3, "note": true, "new": 1}',
        '{"sale_id": "s4", "sold_at": null, "amount": NaN, "note": {"a": "ü"}}',
        '{"sale_id": "s5", "sale_id": "s6"}',
        '{"sale_id": "s6"',
        "[1]",
        '{"sale_id": "\\ud800"}',
        '{"sale_id": "s8", "SALE_ID": "s9"}',
    ]
    found, broken = read(write(tmp_path, "\n".join(lines), "x.json"))
    assert found == [
        (1, "12345678901234567890", "2025-01-31", "1.10", None),
        (3, "s3", "2025-01-31", "1e3", "true"),
        (4, "s4", None, "NaN", '{"a": "ü"}'),
    ]
    assert [(line, reason) for line, reason, _ in broken] == [
        (5, "the name 'sale_id' stands twice in one object"),
        (6, "not one JSON object"),
        (7, "not one JSON object"),
        (8, "a value is no text"),
        (9, "the name 'SALE_ID' stands twice in one object"),
    ]


def test_a_declared_name_that_comes_late_is_not_lost(tmp_path: Path) -> None:
    line = '{"sale_id": "s", "sold_at": "2025-01-31", "amount": 1}\n'
    late = '{"sale_id": "t", "sold_at": "2025-01-31", "amount": 1, "NOTE": "here"}\n'
    found, broken = read(write(tmp_path, line * 6000 + late, "x.jsonl"))
    assert (len(found), found[-1][-1], broken) == (6001, "here", [])


def test_one_json_array_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardwatchError, match="is one JSON array; write one object a line"):
        read(write(tmp_path, '[{"sale_id": 1}]', "x.json"))
    with pytest.raises(CardwatchError, match="lacks sold_at, amount"):
        read(write(tmp_path, '{"sale_id": 1}', "x.json"))


# --- Parquet --------------------------------------------------------------------------------------


def test_parquet_columns_come_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    columns = {
        "sale_id": pa.array([123456789012345.0, None]),
        "sold_at": pa.array([datetime(2025, 1, 31, 9), None]),
        "amount": pa.array([Decimal("1.10"), None]),
        "note": pa.array([date(2025, 1, 31), None]),
    }
    pq.write_table(pa.table(columns), path)
    found, broken = read(path)
    first = (1, 123456789012345, datetime(2025, 1, 31, 9), Decimal("1.10"), date(2025, 1, 31))
    assert found == [first, (2, None, None, None, None)]
    assert broken == []


# --- fixed places ---------------------------------------------------------------------------------

PLACED = replace(
    SALES,
    columns=tuple(
        replace(column, position=position)
        for column, position in zip(SALES.columns, [(1, 3), (4, 8), (12, 6), (18, 10)], strict=True)
    ),
)


def _placed(**form: Any) -> Any:
    return replace(PLACED, layout=sales(kind="fixed", **form).layout)


def test_values_have_their_places_in_the_line(tmp_path: Path) -> None:
    content = (
        "H 20250131\ns2 20250131  1500coffee    ext\ns3 20250131    -1\n\n합계              9\n"
    )
    path = write(tmp_path, content)
    rows = [(2, "s2", "20250131", "1500", "coffee"), (3, "s3", "20250131", "-1", "")]
    assert read(path, _placed(header_line=1, totals=("합계",))) == (rows, [])
    assert read(path, _placed())[0][0] == (1, "H 2", "0250131", "", "")


def test_places_are_bytes_where_a_system_counts_so(tmp_path: Path) -> None:
    content = "s1 20250131  1500커피숍    \ns2 20250131  1500커피숍점포인\ns3 20250131커1500a\n"
    wide, cut = "커피숍", "커피숍점포"
    rows, broken = read(write(tmp_path, content, encoding="cp949"), _placed())
    assert [row[-1] for row in rows] == [wide, cut, "a"]
    content = "s1 20250131  150커커피숍\n"
    rows, broken = read(write(tmp_path, content, encoding="cp949"), _placed())
    assert broken[0][:2] == (1, "a position of the source's yml cuts a character in two")
    rows, _ = read(write(tmp_path, "s1 20250131  1500커피숍점포인사동점길\n"), _placed())
    assert rows[0][-1] == "커피숍점포인사동점길"


def test_a_required_column_needs_a_place(tmp_path: Path) -> None:
    bare = replace(_placed(), columns=(*PLACED.columns, Column("more", "VARCHAR", True, False)))
    with pytest.raises(CardwatchError, match=r"more has no meta.position in the source's yml"):
        read(write(tmp_path, "x"), bare)


# --- packed ---------------------------------------------------------------------------------------

CSV = ",".join(HEADER) + "\n" + ",".join(ROW) + "\n"
LINES = json.dumps(dict(zip(HEADER, ROW, strict=True))) + "\n"


@pytest.mark.parametrize(
    "text", [CSV.encode(), CSV.encode("utf-16"), CSV.replace(",", ";").encode()]
)
@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv"])
def test_a_packed_text_is_unpacked_whatever_its_name(
    tmp_path: Path, text: bytes, name: str
) -> None:
    assert read(write(tmp_path, gzip.compress(text), name)) == READ
    extras = {"__MACOSX/._x.csv": b"x", "folder/": b"", ".DS_Store": b"x", "folder/x.csv": text}
    assert read(zipped(tmp_path, extras, name)) == READ


def test_packed_lines_and_tables_are_read(tmp_path: Path) -> None:
    assert read(write(tmp_path, gzip.compress(LINES.encode()), "x.gz"))[0] == [(1, *ROW)]
    row = "<tr>" + "".join(f"<td>{text}</td>" for text in ROW) + "</tr>"
    assert read(zipped(tmp_path, {"x.xls": _html(HEAD, row).encode()})) == READ


def _encrypted(folder: Path) -> Path:
    path = zipped(folder, {"x.csv": CSV.encode()})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return write(folder, bytes(content), path.name)


def test_what_is_packed_wrongly_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = CSV.encode()
    with pytest.raises(CardwatchError, match="holds 2 files; land one file in each zip"):
        read(zipped(tmp_path, {"a.csv": one, "b.csv": one}))
    with pytest.raises(CardwatchError, match="holds no file with rows"):
        read(zipped(tmp_path, {"a.csv": b""}))
    with pytest.raises(CardwatchError, match="is encrypted; unpack it with its password"):
        read(_encrypted(tmp_path))
    with pytest.raises(CardwatchError, match="a gzip archive of a file that is packed itself"):
        read(write(tmp_path, gzip.compress(gzip.compress(one))))
    with pytest.raises(CardwatchError, match="is empty inside"):
        read(write(tmp_path, gzip.compress(b"")))
    with pytest.raises(CardwatchError, match="is a damaged gzip archive"):
        read(write(tmp_path, gzip.compress(one)[:-12]))
    monkeypatch.setattr(landed_content, "ALWAYS_ALLOWED", 1000)
    bomb = one + b"s2,2025-01-31,1,a\n" * 100_000
    for path in (write(tmp_path, gzip.compress(bomb)), zipped(tmp_path, {"x.csv": bomb})):
        with pytest.raises(CardwatchError, match="unpacks to more than 250 times its size"):
            read(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.7", "is a PDF document; export the rows"),
        (b"BZh91AY", "is a bzip2 archive"),
        (b"<?xml version='1.0'?><CDF/>", "is XML, of which only a source"),
        (b"\x7fELF\x02", "is a program"),
        (b"\0" * 50, "lacks sale_id"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(CardwatchError, match=sentence):
        read(write(tmp_path, content))


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    loop = tmp_path / "loop.csv"
    loop.symlink_to(loop)
    with pytest.raises(CardwatchError, match="is a link that leads to no file"):
        read(loop)
