"""Rows that cannot be read, files that are refused, and any file at all."""

import csv
import json
import os
import re
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.card_numbers import masked, without_card_numbers
from orchestration.landing.formats import encoding
from orchestration.landing.load import load_landed, prepare_raw
from tests.orchestration.landing.shop import (
    CARD,
    FEEDS,
    REQUIRED,
    csv_text,
    everything,
    good,
    loaded_lines,
    put,
    put_parquet,
    quarantined,
)


def test_broken_lines_cost_themselves_only(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    lines = [
        b"\xef\xbb\xbf" + REQUIRED.encode() + b",note\r\n",
        good(2).encode() + b',"one ""quoted"" line"\r\n',
        b"\r\n",
        good(4).encode() + b",mixed line ends\n",
        b"s5,too,few\r\n",
        good(6).encode() + b",too,many\r\n",
        good(7).encode() + b',"a row\n',
        b"of two\n",
        b'lines"\n',
        good(10).encode() + b',"never closed\n',
        good(11).encode() + b',"closed"badly\n',
        good(12).encode() + b",caf\xe9\n",
        b"   \n",
        b",,,,\n",
        good(15).encode() + b',"also never closed\n',
        good(16).encode() + b",last",
    ]
    put(home, b"".join(lines))
    (file,) = load_landed(warehouse, home, FEEDS)
    assert loaded_lines(warehouse) == [(line, f"s{line}") for line in (2, 4, 7, 16)]
    assert quarantined(warehouse) == [
        (5, "3 columns instead of 5"),
        (6, "6 columns instead of 5"),
        (10, "quotes are not balanced (',' expected after '\"')"),
        (11, "quotes are not balanced (',' expected after '\"')"),
        (12, "not UTF-8 text (format.encoding in the source's yml names another)"),
        (15, "quotes are not balanced (unexpected end of data)"),
    ]
    texts = warehouse.execute(
        "select original_text from raw.quarantine where line in (5, 10, 12) order by line"
    ).fetchall()
    assert texts == [("s5,too,few",), (good(10) + ',"never closed',), (good(12) + r",caf\xe9",)]
    assert (file.rows_loaded, file.rows_quarantined) == (4, 6)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12.34", "12.3400"),
        (" -.5 ", "-0.5000"),
        ("1200.50000000", "1200.5000"),
        ("9999999999999.9999", "9999999999999.9999"),
        # what a spreadsheet leaves of a double
        ("0.30000000000000004", "0.3000"),
    ],
)
def test_an_amount_is_exactly_what_is_written(
    home: Home, warehouse: duckdb.DuckDBPyConnection, written: str, amount: str
) -> None:
    put(home, csv_text(f"s1,c1,2025-01-01,1,{written}", header=f"{REQUIRED},price"))
    load_landed(warehouse, home, FEEDS)
    assert warehouse.execute("select price from raw.shop__sales").fetchall() == [(Decimal(amount),)]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("amount", "abc", "amount 'abc' is not a number (DOUBLE)"),
        (
            *("amount", "1,000"),
            "amount '1,000' has two readings: set decimal and thousands in meta.format",
        ),
        ("amount", "NaN", "amount 'NaN' is not a number (DOUBLE)"),
        ("amount", "-Infinity", "amount '-Infinity' is not a number (DOUBLE)"),
        ("amount", "1e999", "amount '1e999' is not a number (DOUBLE)"),
        ("amount", " ", "amount is missing"),
        ("sale_id", "", "sale_id is missing"),
        *(
            ("price", value, f"price '{value}' is not an amount of at most 4 decimals (DECIMAL)")
            for value in ("1_000", "0.12345", "1e-7", "5e-324", "1e14", "nan", ".")
        ),
        ("pieces", "2.7", "pieces '2.7' is not a whole number (INTEGER)"),
        ("pieces", "3000000000", "pieces '3000000000' is not a whole number (INTEGER)"),
        ("stock", "0x1F", "stock '0x1F' is not a whole number (BIGINT)"),
        ("gift", "maybe", "gift 'maybe' is not true or false (BOOLEAN)"),
        *(
            (
                name,
                value,
                f"{name} '{value}' does not say which is the day: set dates in meta.format"
                " to their order",
            )
            for name, value in (("due_on", "31.01.2025"), ("sold_at", "01/02/2025"))
        ),
        ("due_on", "2025-02-30", "due_on '2025-02-30' is not a day such as 2025-01-31 (DATE)"),
        *(
            (
                "sold_at",
                value,
                f"sold_at '{value}' is not a local time such as 2025-01-31 18:05:00, "
                "without time zone (TIMESTAMP)",
            )
            for value in ("infinity", "epoch", "0000-01-01", "2025-01-01 25:00:00")
        ),
    ],
)
def test_an_unreadable_value_quarantines_its_row_with_the_reason(
    home: Home, warehouse: duckdb.DuckDBPyConnection, column: str, value: str, reason: str
) -> None:
    row = {"sale_id": "s1", "card_id": "c1", "sold_at": "2025-01-01", "amount": "1"}
    row |= {"price": "", "pieces": "", "stock": "", "gift": "", "due_on": "", column: value}
    quoted = ",".join(f'"{text}"' for text in row.values())
    put(home, csv_text(good(2) + ",,,,,", quoted, good(4) + ",,,,,", header=",".join(row)))
    load_landed(warehouse, home, FEEDS)
    assert loaded_lines(warehouse) == [(2, "s2"), (4, "s4")]
    assert quarantined(warehouse) == [(3, reason)]
    (text,) = warehouse.execute("select original_text from raw.quarantine").fetchall()[0]
    assert json.loads(text) == row


@pytest.mark.parametrize(
    "number",
    [
        CARD,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111\N{NO-BREAK SPACE}1111\N{EN DASH}1111 1111",
        " 3782 822463 10005 ",
        "6304000000000000000",
        "4111111111111111.0",
    ],
)
def test_a_card_number_in_clear_never_reaches_the_warehouse(
    home: Home, warehouse: duckdb.DuckDBPyConnection, number: str
) -> None:
    header = f"{REQUIRED},note"
    broken_line = f"s4,{number}"
    put(
        home,
        csv_text(
            f"s2,{number},2025-01-01,1,",
            f"s3,token,2025-01-01,{number}?,",
            broken_line,
            f"s5,token,{number},1,",
            header=header,
        ),
    )
    load_landed(warehouse, home, FEEDS)
    digits = re.sub(r"\D", "", number.strip().removesuffix(".0"))
    rows = warehouse.execute(
        "select file, line, reason, original_text from raw.quarantine order by all"
    ).fetchall()
    assert [line for _, line, *_ in rows] == [2, 3, 4, 5]
    assert rows[0][2] == "card number in clear; send a token instead"
    for *_, text in rows:
        assert re.search(rf"[*~]{{9,}}{digits[-4:]}", text)
    warehouse.close()
    stored = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    for spelling in (number.strip(), digits, digits[:-4]):
        assert spelling.encode() not in stored


@pytest.mark.parametrize("token", ["4111111111111112", "card_000000123456789", "************1111"])
def test_what_is_no_card_number_is_a_token(
    home: Home, warehouse: duckdb.DuckDBPyConnection, token: str
) -> None:
    put(home, csv_text(f"s2,{token},2025-01-01,1"))
    load_landed(warehouse, home, FEEDS)
    assert warehouse.execute("select card_id from raw.shop__sales").fetchall() == [(token,)]


def test_masking_keeps_times_and_short_numbers() -> None:
    text = '{"at": "2025-01-31 18:05:00.123456", "id": "123456789012", "lat": 37.566535}'
    assert masked(text) == text
    assert masked(f"a {CARD} b 5500-0000-0000-0004") == "a ************1111 b ************0004"


REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("sales/x.csv", "", "x.csv is empty; export it again"),
    "format": ("sales/x.pdf", "%PDF-1.7", "x.pdf is a PDF document; export the rows as CSV"),
    "columns": (
        "sales/x.csv",
        f"sale_id,sold_at\n{CARD},1\n",
        "x.csv lacks card_id, amount, which feed 'sales' of 'shop' requires; add it",
    ),
    "no header": ("sales/x.csv", f"s1,{CARD},2025-01-01,1\n", "x.csv lacks sale_id, card_id"),
    "delimiter": ("sales/x.csv", REQUIRED.replace(",", "~"), "x.csv lacks sale_id, card_id"),
    "twice": ("sales/x.csv", REQUIRED + ",Amount\n", "has the column amount twice; remove one"),
    "encoding": ("sales/x.csv", REQUIRED.encode() + b",\xff", "header of .* is not UTF-8 text"),
    "quotes": ("sales/x.csv", f'"{REQUIRED}', "x.csv lacks sale_id, card_id"),
    "no parquet": ("sales/x.parquet", "PAR1", "x.parquet is not a readable Parquet file"),
    "feed": ("returns/x.csv", csv_text(), "returns is not a file in the folder <source>/<feed>"),
    "depth": ("sales/2025/x.csv", csv_text(), "sales/2025 is not a file in the folder"),
    "source": ("../market/sales/x.csv", csv_text(), "market is not a file in the folder"),
    "no folder": ("../x.csv", csv_text(), "landing/x.csv is not a file in the folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_bad_file_is_refused_before_anything_is_loaded(
    home: Home, warehouse: duckdb.DuckDBPyConnection, case: str
) -> None:
    name, content, sentence = REFUSED[case]
    put(home, csv_text(good(1)), "a.csv")
    before = everything(warehouse)
    path = (home.landing / "shop" / name).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CardwatchError, match=sentence) as refusal:
        load_landed(warehouse, home, FEEDS)
    assert CARD not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert everything(warehouse) == before


def test_a_parquet_file_that_is_damaged_inside_is_refused(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    columns = {name: [f"{name} {row}" for row in range(5000)] for name in REQUIRED.split(",")}
    path = put_parquet(home, columns)
    content = bytearray(path.read_bytes())
    content[10:4000] = bytes(3990)
    path.write_bytes(content)
    before = everything(warehouse)
    with pytest.raises(CardwatchError, match=r"a.parquet is damaged after row 0; export it again"):
        load_landed(warehouse, home, FEEDS)
    assert everything(warehouse) == before


def test_a_file_name_that_is_no_text_is_refused(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1)), os.fsdecode(b"caf\xe9.csv"))
    with pytest.raises(CardwatchError, match="is a name that is not UTF-8; rename the file"):
        load_landed(warehouse, home, FEEDS)


# --- any file at all ------------------------------------------------------------------------------

TOKENS = ["s", "7", ",", '"', '""', ',"', '",', "\n", "\r\n", "\r", " ", "한", "\udcff", "\0", CARD]


ROWS = st.integers(1, 99).map(lambda number: good(number) + ",\n")


GARBAGE = st.lists(st.sampled_from(TOKENS), max_size=8).map("".join)


@pytest.fixture(scope="module")
def any_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        prepare_raw(connection, FEEDS)
        yield connection


def cleaned(text: str) -> str:
    return without_card_numbers(re.sub(r"\s", " ", text).replace("\0", "").strip())


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(st.one_of(ROWS, GARBAGE), max_size=12), block=st.sampled_from([1, 40, 200, 9999])
)
def test_every_line_of_any_file_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory,
    any_warehouse: duckdb.DuckDBPyConnection,
    parts: list[str],
    block: int,
) -> None:
    home = Home(tmp_path_factory.mktemp("any"))
    content = f"\ufeff{REQUIRED},note\n" + "".join(parts)
    path = put(home, content.encode("utf-8", "surrogateescape"))
    for table in ("shop__sales", "quarantine", "load_manifest"):
        any_warehouse.execute(f"delete from raw.{table}")
    with pytest.MonkeyPatch.context() as context:
        context.setattr(encoding, "BLOCK", block)
        (file,) = load_landed(any_warehouse, home, FEEDS)
    rows = any_warehouse.execute("select _line, sale_id, note from raw.shop__sales").fetchall()
    faulty = any_warehouse.execute("select line, reason, original_text from raw.quarantine")
    broken = {line: (reason, text) for line, reason, text in faulty.fetchall()}
    assert (file.rows_loaded, file.rows_quarantined) == (len(rows), len(broken))

    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        lines = dict(enumerate(stream, start=1))
    nothing = ' ,"\r\n\t'  # a row of nothing but delimiters is none
    owed = {line for line, text in lines.items() if line > 1 and text.strip(nothing).strip()}
    paid: list[int] = []
    for line, sale_id, note in rows:
        # The file itself, read from that line on, says what was loaded.
        reader = csv.reader((lines[at] for at in sorted(lines) if at >= line), strict=True)
        record = next(reader)
        assert (cleaned(record[0]), cleaned(record[4])) == (sale_id, note or "")
        paid += range(line, line + reader.line_num)
    for line, (reason, text) in broken.items():
        paid.append(line)
        if not text.startswith("{"):
            raw = lines[line].rstrip("\r\n").encode("utf-8", "surrogateescape")
            assert text == masked(raw.decode("utf-8", "backslashreplace"))
        else:
            reader = csv.reader((lines[at] for at in sorted(lines) if at >= line), strict=True)
            record = next(reader)[:5]  # blanks beyond the header's columns may be there
            assert list(json.loads(text).values()) == [masked(value) for value in record]
            paid += range(line + 1, line + reader.line_num)
        assert reason
        assert CARD not in text
    assert len(paid) == len(set(paid))
    assert owed <= set(paid)
    assert {lines[line].strip(nothing).strip() for line in set(paid) - owed} <= {""}
