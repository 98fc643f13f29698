"""Landed files become rows: what is loaded, once, whatever crashes."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect
from orchestration.landing import load as landing
from orchestration.landing import reading
from orchestration.landing.load import load_landed
from tests.orchestration.landing.shop import (
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
        *(date(2025, 2, 1), "쉼표, 여기", None, *load, 2, "shop:s1", True),
    )
    assert second == (
        *("s2", "tok_2", datetime(2025, 2, 1), 1000.0, *[None] * 6),
        *(*load, 3, "shop:s2", False),
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


@pytest.mark.parametrize("call", range(1, 4))
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
    complete = 0  # both files are of one batch
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
