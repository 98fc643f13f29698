"""The warehouse's limits, a full disk, and public data."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import load_landed, prepare_raw
from tests.orchestration.landing.shop import FEEDS, SHARED_DATA, csv_text, loaded_lines, put


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
    with pytest.raises(CardwatchError, match=r"warehouse is damaged, .* rebuilt from the landed"):
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
