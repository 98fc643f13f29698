"""Nothing landed is lost: every row is in raw or in quarantine, whole files at a time."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect
from orchestration.landing import file as landed_file
from orchestration.landing import load as landing
from orchestration.landing import reading
from orchestration.landing.feeds import Column, Feed, read_feeds
from orchestration.landing.file import masked
from orchestration.landing.load import load_landed, prepare_raw

SALES = Feed(
    source="shop",
    feed="sales",
    table="shop__sales",
    event_column="sold_at",
    columns=(
        Column("sale_id", "VARCHAR", required=True, card_number=False),
        Column("card_id", "VARCHAR", required=True, card_number=True),
        Column("sold_at", "TIMESTAMP", required=True, card_number=False),
        Column("amount", "DOUBLE", required=True, card_number=False),
        Column("pieces", "INTEGER", required=False, card_number=False),
        Column("stock", "BIGINT", required=False, card_number=False),
        Column("gift", "BOOLEAN", required=False, card_number=False),
        Column("due_on", "DATE", required=False, card_number=False),
        Column("note", "VARCHAR", required=False, card_number=False),
    ),
)
STOCK = Feed("shop", "stock", "shop__stock", "sold_at", SALES.columns)
FEEDS = [SALES, STOCK]
REQUIRED = "sale_id,card_id,sold_at,amount"
CARD = "4111111111111111"
SHARED_DATA = project_root().parent / "shared" / "data"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(home) as connection:
        prepare_raw(connection, FEEDS)
        yield connection


def put(home: Home, content: str | bytes, name: str = "a.csv", feed: str = "sales") -> Path:
    path = home.landing / "shop" / feed / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def put_parquet(home: Home, columns: dict[str, Any], name: str = "a.parquet") -> Path:
    path = put(home, "", name)
    pq.write_table(pa.table(columns), path)
    return path


def csv_text(*rows: str, header: str = REQUIRED) -> str:
    return "\n".join([header, *rows]) + "\n"


def good(number: int, day: int = 1) -> str:
    return f"s{number},token_{number},2025-01-{day:02d} 10:00:00,{number}.5"


def loaded_lines(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return warehouse.execute("select _line, sale_id from raw.shop__sales order by 1").fetchall()


def quarantined(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return warehouse.execute("select line, reason from raw.quarantine order by 1").fetchall()


def everything(warehouse: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    tables = warehouse.execute(
        "select table_schema || '.' || table_name from information_schema.tables order by 1"
    ).fetchall()
    return {name: warehouse.execute(f"from {name} order by all").fetchall() for (name,) in tables}


# --- what is loaded -------------------------------------------------------------------------------


def test_rows_are_typed_and_know_where_they_came_from(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    header = "NOTE, Amount ,sold_at,card_id,sale_id,pieces,stock,gift,due_on,colour"
    put(
        home,
        csv_text(
            '"쉼표, 여기",-12.50,2025-01-31T18:05,tok_1,s1,3,9000000000,true,2025-02-01,red',
            ",1e3,2025-02-01,tok_2,s2,,,,,",
            header=header,
        ),
    )
    (file,) = load_landed(warehouse, home, FEEDS)
    assert (file.load_id, file.source, file.feed, file.file) == (1, "shop", "sales", "a.csv")
    assert (file.rows_loaded, file.rows_quarantined) == (2, 0)
    assert (file.first_day, file.last_day) == (date(2025, 1, 31), date(2025, 2, 1))
    first, second = warehouse.execute(
        "select * exclude (_loaded_at) from raw.shop__sales order by _line"
    ).fetchall()
    load = (1, "a.csv", file.file_hash)
    assert first == (
        *("s1", "tok_1", datetime(2025, 1, 31, 18, 5), -12.5, 3, 9_000_000_000, True),
        *(date(2025, 2, 1), "쉼표, 여기", *load, 2),
    )
    assert second == (
        *("s2", "tok_2", datetime(2025, 2, 1), 1000.0, None, None, None, None, None, *load, 3),
    )
    manifest = warehouse.execute("select * exclude (loaded_at) from raw.load_manifest").fetchall()
    assert manifest == [tuple(vars(file).values())]


def test_a_file_may_lack_optional_columns_and_have_unknown_ones(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1) + ",x,y,", header=REQUIRED + ",mcc,mcc,"))
    assert load_landed(warehouse, home, FEEDS)[0].rows_loaded == 1
    optional = "select pieces, stock, gift, due_on, note from raw.shop__sales"
    assert warehouse.execute(optional).fetchall() == [(None,) * 5]


def test_a_file_with_a_header_only_is_a_load_of_no_rows(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, REQUIRED)
    (file,) = load_landed(warehouse, home, FEEDS)
    assert (file.rows_loaded, file.rows_quarantined, file.first_day) == (0, 0, None)
    assert load_landed(warehouse, home, FEEDS) == []


def test_parquet_is_read_whatever_its_types(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    times = [datetime(2025, 1, 1, 9), datetime(2025, 1, 2, 9), None]
    put_parquet(
        home,
        {
            "SALE_ID": [1, 2, 3],
            "card_id": pa.array(["a", "b", "c"]).dictionary_encode(),
            "sold_at": pa.array(times, pa.timestamp("ns")),
            "amount": pa.array([0.1, float("nan"), 3.0], pa.float32()),
            "pieces": pa.array([1.0, None, 2.0]),
            "due_on": pa.array([date(2025, 1, 1)] * 3),
        },
    )
    (file,) = load_landed(warehouse, home, FEEDS)
    assert (file.rows_loaded, file.rows_quarantined) == (1, 2)
    row = warehouse.execute("select sale_id, amount, pieces, due_on, _line from raw.shop__sales")
    assert row.fetchall() == [("1", 0.1, 1, date(2025, 1, 1), 1)]
    assert quarantined(warehouse) == [
        (2, "amount 'nan' is not a number (DOUBLE)"),
        (3, "sold_at is missing"),
    ]


def test_times_with_a_zone_are_not_taken_for_local_ones(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    zoned = pa.array([datetime(2025, 1, 1)], pa.timestamp("us", tz="Asia/Seoul"))
    put_parquet(home, {"sale_id": ["s"], "card_id": ["c"], "sold_at": zoned, "amount": [1.0]})
    put(home, csv_text("s,c,2025-01-01T00:00:00Z,1", "s,c,2025-01-01T00:00:00+09:00,1"))
    load_landed(warehouse, home, FEEDS)
    reasons = [reason for _, reason in quarantined(warehouse)]
    assert len(reasons) == 3
    assert all("without time zone" in reason for reason in reasons)


def test_parquet_files_that_disagree_about_a_type_load_side_by_side(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    for name, number in (("a", 1), ("b", 2.5), ("c", "3")):
        columns = {"sale_id": [name], "card_id": [name], "sold_at": ["2025-01-01"]}
        put_parquet(home, {**columns, "amount": [number]}, f"{name}.parquet")
    assert [file.rows_loaded for file in load_landed(warehouse, home, FEEDS)] == [1, 1, 1]
    amounts = warehouse.execute("select amount from raw.shop__sales order by _load_id").fetchall()
    assert amounts == [(1.0,), (2.5,), (3.0,)]


def test_files_load_in_order_of_source_feed_and_name(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1)), "b.csv")
    put(home, csv_text(good(1)), "a.csv", feed="stock")
    put(home, csv_text(good(2), header=REQUIRED), "a.CSV")
    put(home, "half a copy", ".c.csv.123")
    files = load_landed(warehouse, home, FEEDS)
    assert [(file.load_id, file.feed, file.file) for file in files] == [
        (1, "sales", "a.CSV"),
        (2, "sales", "b.csv"),
        (3, "stock", "a.csv"),
    ]
    put(home, csv_text(good(3)), "0.csv")
    assert [file.load_id for file in load_landed(warehouse, home, FEEDS)] == [4]


@pytest.mark.parametrize("batch_bytes", [1, 4_000_000])
def test_a_load_names_the_days_it_brings_something_new_for(
    home: Home,
    warehouse: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    batch_bytes: int,
) -> None:
    monkeypatch.setattr(reading, "BATCH_BYTES", batch_bytes)
    first, second, third = good(1, day=1), good(2, day=2), good(3, day=3)
    put(home, csv_text(first, second), "1.csv")
    put(home, csv_text(second, first, second), "2_only_known_rows.csv")
    put(home, csv_text(first, second, third), "3_one_new_row.csv")
    changed = first.replace("1.5", "1.6")
    put(home, csv_text(changed, third), "4_one_changed_row.csv")
    put(home, csv_text("s,c,2025-01-09,?"), "5_nothing_readable.csv")
    days = [
        (file.first_day and file.first_day.day, file.last_day and file.last_day.day)
        for file in load_landed(warehouse, home, FEEDS)
    ]
    assert days == [(1, 2), (None, None), (3, 3), (1, 1), (None, None)]
    put(home, csv_text(third, changed, second), "6_the_snapshot_again.csv")
    (again,) = load_landed(warehouse, home, FEEDS)
    assert (again.rows_loaded, again.first_day, again.last_day) == (3, None, None)
    # what was said before, but not last, is news
    put(home, csv_text(second, third, first), "7_the_change_taken_back.csv")
    (back,) = load_landed(warehouse, home, FEEDS)
    assert (back.first_day, back.last_day) == (date(2025, 1, 1), date(2025, 1, 1))


# --- the same again, and crashes ------------------------------------------------------------------


def test_the_same_content_is_loaded_once_under_any_name(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1), "broken"))
    put(home, csv_text(good(1), "broken"), "copy.csv")
    assert len(load_landed(warehouse, home, FEEDS)) == 1
    before = everything(warehouse)
    put(home, csv_text(good(1), "broken"), "0.csv")
    assert load_landed(warehouse, home, FEEDS) == []
    assert everything(warehouse) == before
    put(home, csv_text(good(1), "broken"), feed="stock")  # another feed is another matter
    assert len(load_landed(warehouse, home, FEEDS)) == 1


def failing_insert(call: int, fail: Callable[[], None]) -> Callable[..., int]:
    """What the loader counts rows with, which fails after doing the given insert's work."""
    original = landing.one_value
    calls = iter(range(1, 1000))

    def counted(connection: Any, query: str, parameters: Any = ()) -> int:
        rows: int = original(connection, query, parameters)
        if query.startswith("insert") and next(calls) == call:
            fail()
        return rows

    return counted


@pytest.mark.parametrize("call", range(1, 7))
def test_a_crash_within_a_file_leaves_the_warehouse_as_before_that_file(
    home: Home, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    put(home, csv_text(good(1), "broken"), "a.csv")
    put(home, csv_text(good(2), "broken"), "b.csv")

    def fail() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(landing, "one_value", failing_insert(call, fail))
        with pytest.raises(KeyboardInterrupt):
            load_landed(warehouse, home, FEEDS)
    complete = 0 if call <= 3 else 1
    for table in ("shop__sales", "quarantine", "load_manifest"):
        assert len(warehouse.execute(f"from raw.{table}").fetchall()) == complete
    assert len(load_landed(warehouse, home, FEEDS)) == 2 - complete
    assert loaded_lines(warehouse) == [(2, "s1"), (2, "s2")]


def test_a_killed_process_leaves_the_warehouse_as_before_the_file(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1), "broken"), "a.csv")
    load_landed(warehouse, home, FEEDS)
    before = everything(warehouse)
    warehouse.close()
    put(home, csv_text(good(2), "broken"), "b.csv")
    script = (
        "import os, signal, sys; sys.path[:0] = sys.argv[1:3]\n"
        "import test_load as t\n"
        "home = t.Home(t.Path(sys.argv[3]))\n"
        "kill = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "t.landing.one_value = t.failing_insert(3, kill)\n"
        "t.load_landed(t.connect(home), home, t.FEEDS)\n"
    )
    folders = [str(project_root()), str(Path(__file__).parent), str(home.root)]
    killed = subprocess.run([sys.executable, "-c", script, *folders], check=False)
    assert killed.returncode == -signal.SIGKILL
    with connect(home) as connection:
        assert everything(connection) == before
        assert len(load_landed(connection, home, FEEDS)) == 1


def test_a_count_that_does_not_add_up_loads_nothing(
    home: Home, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home, csv_text(good(1), good(2)))
    before = everything(warehouse)
    original = landing.one_value

    def one_less(connection: Any, query: str, parameters: Any = ()) -> int:
        return int(original(connection, query, parameters)) - query.startswith("insert")

    monkeypatch.setattr(landing, "one_value", one_less)
    with pytest.raises(RuntimeError, match="2 rows, but 1 would be loaded"):
        load_landed(warehouse, home, FEEDS)
    assert everything(warehouse) == before


# --- quarantine -----------------------------------------------------------------------------------


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
        (12, "not UTF-8 text"),
        (14, "sale_id is missing"),
        (15, "quotes are not balanced (unexpected end of data)"),
    ]
    texts = warehouse.execute(
        "select original_text from raw.quarantine where line in (5, 10, 12) order by line"
    ).fetchall()
    assert texts == [("s5,too,few",), (good(10) + ',"never closed',), (good(12) + r",caf\xe9",)]
    assert (file.rows_loaded, file.rows_quarantined) == (4, 7)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("amount", "abc", "amount 'abc' is not a number (DOUBLE)"),
        ("amount", "1,000", "amount '1,000' is not a number (DOUBLE)"),
        ("amount", "NaN", "amount 'NaN' is not a number (DOUBLE)"),
        ("amount", "-Infinity", "amount '-Infinity' is not a number (DOUBLE)"),
        ("amount", "1e999", "amount '1e999' is not a number (DOUBLE)"),
        ("amount", " ", "amount is missing"),
        ("sale_id", "", "sale_id is missing"),
        ("pieces", "2.7", "pieces '2.7' is not a whole number (INTEGER)"),
        ("pieces", "3000000000", "pieces '3000000000' is not a whole number (INTEGER)"),
        ("stock", "0x1F", "stock '0x1F' is not a whole number (BIGINT)"),
        ("gift", "maybe", "gift 'maybe' is not true or false (BOOLEAN)"),
        ("due_on", "31.01.2025", "due_on '31.01.2025' is not a day such as 2025-01-31 (DATE)"),
        ("due_on", "2025-02-30", "due_on '2025-02-30' is not a day such as 2025-01-31 (DATE)"),
        *(
            (
                "sold_at",
                value,
                f"sold_at '{value}' is not a local time such as 2025-01-31 18:05:00, "
                "without time zone (TIMESTAMP)",
            )
            for value in ("01/02/2025", "infinity", "epoch", "0000-01-01", "2025-01-01 25:00:00")
        ),
    ],
)
def test_an_unreadable_value_quarantines_its_row_with_the_reason(
    home: Home, warehouse: duckdb.DuckDBPyConnection, column: str, value: str, reason: str
) -> None:
    row = {"sale_id": "s1", "card_id": "c1", "sold_at": "2025-01-01", "amount": "1"}
    row |= {"pieces": "", "stock": "", "gift": "", "due_on": "", column: value}
    quoted = ",".join(f'"{text}"' for text in row.values())
    put(home, csv_text(good(2) + ",,,,", quoted, good(4) + ",,,,", header=",".join(row)))
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
    put_parquet(
        home, {"sale_id": ["s"], "card_id": [number], "sold_at": ["2025-01-01"], "amount": [1]}
    )
    load_landed(warehouse, home, FEEDS)
    digits = re.sub(r"\D", "", number.strip().removesuffix(".0"))
    rows = warehouse.execute(
        "select file, line, reason, original_text from raw.quarantine order by all"
    ).fetchall()
    assert [(file, line) for file, line, *_ in rows] == [
        *(("a.csv", line) for line in (2, 3, 4, 5)),
        ("a.parquet", 1),
    ]
    assert [rows[at][2] for at in (0, 4)] == ["card number in clear; send a token instead"] * 2
    for *_, text in rows:
        assert f"************{digits[-4:]}" in text
    warehouse.close()
    stored = b"".join(path.read_bytes() for path in home.root.glob("warehouse*"))
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


# --- files that are refused -----------------------------------------------------------------------


REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("sales/x.csv", "", "x.csv is empty; export it again"),
    "format": ("sales/x.xlsx", "x", "x.xlsx is neither .csv nor .parquet; export it as one"),
    "columns": (
        "sales/x.csv",
        f"sale_id,sold_at\n{CARD},1\n",
        "x.csv lacks card_id, amount, which feed 'sales' of 'shop' requires; add it",
    ),
    "no header": ("sales/x.csv", f"s1,{CARD},2025-01-01,1\n", "x.csv lacks sale_id, card_id"),
    "delimiter": ("sales/x.csv", REQUIRED.replace(",", ";"), "with commas between"),
    "blank first line": ("sales/x.csv", "\n" + REQUIRED, "is not UTF-8 text with commas between"),
    "twice": ("sales/x.csv", REQUIRED + ",Amount\n", "has the column amount twice; remove one"),
    "encoding": (
        "sales/x.csv",
        REQUIRED.encode("utf-16"),
        "the first line of .*x.csv is not UTF-8 text with commas between; export it as such",
    ),
    "quotes": ("sales/x.csv", f'"{REQUIRED}', "is not UTF-8 text with commas between"),
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


@settings(max_examples=100, deadline=None)
@given(parts=st.lists(st.one_of(ROWS, GARBAGE), max_size=12), piece=st.sampled_from([1, 2, 5, 999]))
def test_every_line_of_any_file_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory,
    any_warehouse: duckdb.DuckDBPyConnection,
    parts: list[str],
    piece: int,
) -> None:
    home = Home(tmp_path_factory.mktemp("any"))
    content = f"{REQUIRED},note\n" + "".join(parts)
    path = put(home, content.encode("utf-8", "surrogateescape"))
    for table in ("shop__sales", "quarantine", "load_manifest"):
        any_warehouse.execute(f"delete from raw.{table}")
    with pytest.MonkeyPatch.context() as context:
        context.setattr(landed_file, "PIECE", piece)
        (file,) = load_landed(any_warehouse, home, FEEDS)
    rows = any_warehouse.execute("select _line, sale_id, note from raw.shop__sales").fetchall()
    faulty = any_warehouse.execute("select line, reason, original_text from raw.quarantine")
    broken = {line: (reason, text) for line, reason, text in faulty.fetchall()}
    assert (file.rows_loaded, file.rows_quarantined) == (len(rows), len(broken))

    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        lines = dict(enumerate(stream, start=1))
    owed = {line for line, text in lines.items() if line > 1 and text.strip()}
    paid: list[int] = []
    for line, sale_id, note in rows:
        # The file itself, read from that line on, says what was loaded.
        reader = csv.reader((lines[at] for at in sorted(lines) if at >= line), strict=True)
        record = next(reader)
        assert (record[0], record[4].strip(" ") and record[4]) == (sale_id, note or "")
        paid += range(line, line + reader.line_num)
    for line, (reason, text) in broken.items():
        paid.append(line)
        if not text.startswith("{"):
            raw = lines[line].rstrip("\r\n").encode("utf-8", "surrogateescape")
            assert text == masked(raw.decode("utf-8", "backslashreplace"))
        else:
            reader = csv.reader((lines[at] for at in sorted(lines) if at >= line), strict=True)
            record = next(reader)
            assert list(json.loads(text).values()) == [masked(value) for value in record]
            paid += range(line + 1, line + reader.line_num)
        assert reason
        assert CARD not in text
    assert len(paid) == len(set(paid))
    assert owed <= set(paid)
    assert {lines[line].strip() for line in set(paid) - owed} <= {""}


# --- feeds and raw tables -------------------------------------------------------------------------

YML = """
sources:
  - name: {source}
    schema: raw
    tables:
      - name: {feed}
        identifier: {table}
        config: {{meta: {{event_column: {event}}}}}
        columns:
          - {{name: at, data_type: timestamp, config: {{meta: {{required: true}}}}}}
          - {{name: {column}, data_type: {data_type}}}
          - {{name: _load_id, data_type: bigint}}
"""
GOOD_YML = {
    "source": "newco",
    "feed": "spend",
    "table": "newco__spend",
    "event": "at",
    "column": "what",
    "data_type": "varchar",
}


def project(folder: Path, **changes: str) -> Path:
    path = folder / "models" / "staging" / "newco" / "_newco__sources.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(YML.format(**GOOD_YML | changes), encoding="utf-8")
    return folder


def test_the_canonical_feeds_are_declared_with_what_they_require() -> None:
    declared = {
        feed.feed: (" ".join(feed.required), feed.event_column)
        for feed in read_feeds()
        if feed.source == "company"
    }
    assert declared == {
        "card_transactions": (
            "transaction_id card_id authorized_at merchant_id amount currency",
            "authorized_at",
        ),
        "cards": ("card_id employee_id valid_from", "valid_from"),
        "employees": ("employee_id department_id valid_from", "valid_from"),
        "expense_claims": ("claim_id employee_id submitted_at amount", "submitted_at"),
        "absences": ("employee_id starts_at ends_at", "starts_at"),
        "trips": ("employee_id starts_at ends_at", "starts_at"),
        "review_events": ("event_id case_id event occurred_at actor_id", "occurred_at"),
        "external_hits": ("filter transaction_id flagged_at", "flagged_at"),
        "labels": ("transaction_id misuse decided_at", "decided_at"),
    }
    for feed in read_feeds():
        assert feed.table == f"{feed.source}__{feed.feed}"
        cards = {column.name for column in feed.columns if column.card_number}
        assert cards == {"card_id"} & {column.name for column in feed.columns}


def test_a_new_company_needs_its_own_folder_only(tmp_path: Path, home: Home) -> None:
    feeds = read_feeds(project(tmp_path))
    path = home.landing / "newco" / "spend" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("at,what\n2025-01-01,lunch\n", encoding="utf-8")
    with connect(home) as connection:
        prepare_raw(connection, feeds)
        assert [file.rows_loaded for file in load_landed(connection, home, feeds)] == [1]
        assert connection.execute("select what from raw.newco__spend").fetchall() == [("lunch",)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"source": "'new co'"}, "uses the name 'new co'; names are lower case letters"),
        ({"feed": "'spend; drop table raw.load_manifest'"}, "uses the name 'spend; drop"),
        ({"table": "'x\" (a int); --'"}, "uses the name 'x\" "),
        ({"column": "'what\" varchar); --'"}, "uses the name 'what\" varchar"),
        ({"column": "What"}, "uses the name 'What'"),
        ({"column": '"what\\n"'}, r"uses the name 'what\\n'"),
        ({"column": "7"}, "uses the name 7"),
        ({"column": "at"}, "declares spend.at twice; remove one of them"),
        ({"data_type": "varchar); --"}, r"gives what the data_type 'varchar\); --'; use one of: v"),
        ({"data_type": "''"}, "gives what the data_type ''"),
        ({"event": "what"}, "must name a required timestamp or date column of spend"),
        ({"event": "''"}, "must name a required timestamp or date column of spend"),
        ({"table": "company__cards"}, "is declared twice under"),
        ({"feed": "[1, 2"}, "is not readable yml; correct it"),
        ({"column": "{}"}, "is not a dbt source declaration as Cardwatch needs it"),
    ],
)
def test_a_hostile_or_wrong_declaration_is_refused(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    root = project(tmp_path, **changes)
    other = root / "models" / "staging" / "company" / "_company__sources.yml"
    other.parent.mkdir()
    known = {"source": "company", "feed": "cards", "table": "company__cards"}
    other.write_text(YML.format(**GOOD_YML | known), encoding="utf-8")
    with pytest.raises(CardwatchError, match=sentence) as refusal:
        read_feeds(root)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", ["", "models: []", "sources: [{name: x, schema: raw}]", "[]"])
def test_a_file_that_declares_no_source_is_refused(tmp_path: Path, content: str) -> None:
    root = project(tmp_path)
    (root / "models/staging/newco/_newco__sources.yml").write_text(content, encoding="utf-8")
    with pytest.raises(CardwatchError, match="is not a dbt source declaration as Cardwatch needs"):
        read_feeds(root)


def test_a_source_that_something_else_loads_has_no_feeds(tmp_path: Path) -> None:
    root = project(tmp_path)
    path = root / "models/staging/newco/_newco__sources.yml"
    path.write_text(path.read_text("utf-8").replace("schema: raw", "schema: erp"), "utf-8")
    assert read_feeds(root) == []


def test_a_column_that_the_yml_has_gained_is_added(home: Home) -> None:
    older = Feed(SALES.source, SALES.feed, SALES.table, SALES.event_column, SALES.columns[:4])
    with connect(home) as connection:
        prepare_raw(connection, [older])
        put(home, csv_text(good(1)))
        load_landed(connection, home, [older])
        prepare_raw(connection, [SALES])
        prepare_raw(connection, [SALES])
        put(home, csv_text(good(1) + ",3", header=REQUIRED + ",pieces"), "b.csv")
        (file,) = load_landed(connection, home, [SALES])
        assert file.first_day == date(2025, 1, 1)
        pieces = connection.execute("select pieces from raw.shop__sales order by _load_id")
        assert pieces.fetchall() == [(None,), (3,)]
        state = connection.execute("select * exclude (audit_seed) from raw.run_state").fetchall()
        assert state == [(0, None, None, None, None)]


def test_a_column_that_has_changed_its_type_is_refused(home: Home) -> None:
    changed = Column("amount", "INTEGER", required=True, card_number=False)
    columns = (*SALES.columns[:3], changed)
    with connect(home) as connection:
        prepare_raw(connection, [SALES])
        with pytest.raises(CardwatchError, match="amount is DOUBLE in the warehouse and INTEGER"):
            prepare_raw(connection, [Feed("shop", "sales", "shop__sales", "sold_at", columns)])


# --- the warehouse --------------------------------------------------------------------------------


def test_the_warehouse_has_its_limits_and_speaks_utc(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDWATCH_MEMORY_LIMIT", "1GiB")
    with connect(home) as connection:
        names = ("memory_limit", "temp_directory", "TimeZone")
        found = [
            connection.execute(f"select current_setting('{name}')").fetchone() for name in names
        ]
    assert found == [("1.0 GiB",), (str(home.temporary),), ("UTC",)]
    with connect(home, read_only=True) as connection, pytest.raises(duckdb.Error):
        connection.execute("create table t (a int)")


def test_an_unusable_warehouse_is_explained(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CardwatchError, match=r"there is no warehouse at .*; run `cardwatch run`"):
        connect(home, read_only=True)
    with monkeypatch.context() as context:
        context.setenv("CARDWATCH_MEMORY_LIMIT", "a lot")
        with pytest.raises(CardwatchError, match="CARDWATCH_MEMORY_LIMIT is 'a lot', which DuckDB"):
            connect(home)
    home.warehouse.unlink()
    home.warehouse.mkdir()
    with pytest.raises(
        CardwatchError, match=r"cannot be opened \(is a directory\); check the path"
    ):
        connect(home)
    home.warehouse.rmdir()
    home.warehouse.write_bytes(b"not a database" * 1000)
    with pytest.raises(CardwatchError, match="is not a DuckDB file; move it away and run again"):
        connect(home)


def test_the_warehouse_opens_a_second_time_while_the_first_one_spills(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDWATCH_MEMORY_LIMIT", "50MB")
    with connect(home) as first:
        first.execute("create temp table big as select md5(range::varchar) from range(1_500_000)")
        assert list(home.temporary.iterdir())
        with connect(home) as second:
            assert second.execute("select 1").fetchone() == (1,)


def test_a_warehouse_in_use_names_who_uses_it(home: Home) -> None:
    connect(home).close()
    script = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(home.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(CardwatchError, match=f"warehouse is open in process {holder.pid}; cl"):
            connect(home)
        holder.communicate(b"\n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if mount is None or unmount is None:
        pytest.skip("there is no mount command for a small disk")
    arguments = [mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if subprocess.run(arguments, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not permitted")
    try:
        yield folder
    finally:
        subprocess.run([unmount, "--lazy", str(folder)], check=True)


def test_a_full_disk_is_explained_and_loads_nothing(small_disk: Path, tmp_path: Path) -> None:
    home = Home(small_disk)
    with connect(home) as connection:
        prepare_raw(connection, FEEDS)
    # The landed file lies on another disk, so that only the warehouse runs out of space.
    (home.landing / "shop").mkdir(parents=True)
    (tmp_path / "sales").mkdir()
    (home.landing / "shop" / "sales").symlink_to(tmp_path / "sales")
    ids = [os.urandom(24).hex() for _ in range(90_000)]
    put(home, csv_text(*(f"{sale_id},token,2025-01-01,1" for sale_id in ids)))
    sentence = "the disk is full; free space"
    with connect(home) as connection, pytest.raises(CardwatchError, match=sentence):
        load_landed(connection, home, FEEDS)
    with connect(home) as connection:
        assert loaded_lines(connection) == []
        assert connection.execute("from raw.load_manifest").fetchall() == []


# --- public data ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "source", "feed", "rows"),
    [
        ("handbook_transactions.parquet", "handbook", "transactions", 100_000),
        ("birmingham_purchase_cards.parquet", "birmingham", "purchases", 181_335),
    ],
)
def test_public_data_loads_without_a_row_in_quarantine(
    home: Home, file: str, source: str, feed: str, rows: int
) -> None:
    if not (SHARED_DATA / file).exists():
        pytest.skip(f"{file} is not beside the project")
    path = home.landing / source / feed / file
    path.parent.mkdir(parents=True)
    pq.write_table(pq.read_table(SHARED_DATA / file).slice(0, rows), path)
    feeds = read_feeds()
    with connect(home) as connection:
        prepare_raw(connection, feeds)
        (loaded,) = load_landed(connection, home, feeds)
        assert (loaded.rows_loaded, loaded.rows_quarantined) == (rows, 0)
        assert load_landed(connection, home, feeds) == []
