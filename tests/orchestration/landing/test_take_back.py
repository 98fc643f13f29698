"""A file that a check refuses can be moved away or corrected, until a run has finished with it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import Column, Feed
from orchestration.landing.load import load_landed, prepare_raw, take_back_removed

SALES = Feed(
    source="shop",
    feed="sales",
    table="shop__sales",
    event_column="sold_at",
    columns=(
        Column("sale_id", "VARCHAR", required=True, card_number=False),
        Column("sold_at", "TIMESTAMP", required=True, card_number=False),
    ),
    key=("sale_id",),
)
COUNTS = """
    select
        (select count(*) from raw.shop__sales),
        (select count(*) from raw.quarantine),
        (select count(*) from raw.load_manifest)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(home) as connection:
        prepare_raw(connection, [SALES])
        put(home, "good.csv", "s1,2025-01-01", "s2,2025-01-02")
        put(home, "broken.csv", "s3,2025-01-03", "s4,never")
        load_landed(connection, home, [SALES])
        assert connection.execute(COUNTS).fetchall() == [(3, 1, 2)]
        yield connection


def put(home: Home, name: str, *rows: str) -> Path:
    path = home.landing / "shop" / "sales" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["sale_id,sold_at", *rows]) + "\n", encoding="utf-8")
    return path


def requested_since(warehouse: duckdb.DuckDBPyConnection) -> object:
    return warehouse.execute("select requested_since from raw.run_state").fetchall()[0][0]


def test_what_is_still_landed_stays(home: Home, warehouse: duckdb.DuckDBPyConnection):
    assert take_back_removed(warehouse, home, [SALES]) == []
    folder = home.landing / "shop" / "sales"
    (folder / "broken.csv").rename(folder / "renamed.csv")
    assert take_back_removed(warehouse, home, [SALES]) == []
    assert warehouse.execute(COUNTS).fetchall() == [(3, 1, 2)]
    assert requested_since(warehouse) is None


def test_rows_of_a_file_that_was_moved_away_go_and_their_days_are_built_anew(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    (home.landing / "shop" / "sales" / "broken.csv").unlink()
    assert take_back_removed(warehouse, home, [SALES]) == ["broken.csv"]
    assert warehouse.execute(COUNTS).fetchall() == [(2, 0, 1)]
    assert requested_since(warehouse) == date(2025, 1, 3)


def test_a_corrected_file_takes_the_place_of_the_broken_one(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    put(home, "broken.csv", "s3,2025-01-03", "s4,2025-01-04")
    assert take_back_removed(warehouse, home, [SALES]) == ["broken.csv"]
    (file,) = load_landed(warehouse, home, [SALES])
    assert (file.rows_loaded, file.rows_quarantined) == (2, 0)
    assert warehouse.execute(COUNTS).fetchall() == [(4, 0, 2)]


def test_an_earlier_wish_to_build_anew_is_kept(home: Home, warehouse: duckdb.DuckDBPyConnection):
    warehouse.execute("update raw.run_state set requested_since = '2024-12-01'")
    (home.landing / "shop" / "sales" / "broken.csv").unlink()
    take_back_removed(warehouse, home, [SALES])
    assert requested_since(warehouse) == date(2024, 12, 1)


def test_what_a_run_has_finished_with_stays_when_its_file_is_archived(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    warehouse.execute("update raw.run_state set completed_load_id = 2")
    for path in (home.landing / "shop" / "sales").iterdir():
        path.unlink()
    assert take_back_removed(warehouse, home, [SALES]) == []
    assert warehouse.execute(COUNTS).fetchall() == [(3, 1, 2)]


def test_all_files_are_taken_back_or_none(
    home: Home, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
):
    for path in (home.landing / "shop" / "sales").iterdir():
        path.unlink()

    # the second file's rows cannot be found: nothing of the first may be gone
    without_a_table = Feed("shop", "sales", "shop__gone", "sold_at", SALES.columns)
    with pytest.raises(duckdb.Error):
        take_back_removed(warehouse, home, [without_a_table])
    assert warehouse.execute(COUNTS).fetchall() == [(3, 1, 2)]
    assert requested_since(warehouse) is None
