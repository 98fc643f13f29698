"""Files that lost or changed bytes, a disk that is full, a home that nobody may write to.

Each is one sentence with the way out, and following it the next attempt succeeds.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.published import open_published
from orchestration.engine.warehouse import connect, explain_database_error, transaction
from orchestration.landing.history import EarlierLoad
from orchestration.landing.load import load_landed, prepare_raw
from tests.orchestration.landing.shop import FEEDS, put

FILL = "create table t as select i, md5(i::varchar) as s from range(100_000) as numbers (i)"


def flip(path: Path, place: float) -> None:
    """Change one bit of a file at a share of its length."""
    spoiled = bytearray(path.read_bytes())
    spoiled[int((len(spoiled) - 1) * place)] ^= 1
    path.write_bytes(spoiled)


def read_all(home: Home) -> None:
    """Read every row of the warehouse, as a run does, with its errors in the user's words."""
    try:
        with connect(home) as connection:
            connection.execute("select bit_xor(hash(t)) from t").fetchall()
    except duckdb.Error as error:
        raise explain_database_error(error) or error from error


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    with connect(home) as connection:
        connection.execute(FILL)
    return home


@pytest.mark.parametrize("place", [0, 0.0005, 0.003, 0.3, 0.5, 0.9])
def test_a_flipped_bit_of_the_warehouse(home: Home, place: float):
    flip(home.warehouse, place)
    with pytest.raises(CardwatchError, match=r"warehouse is damaged.*move.*rebuilt from"):
        read_all(home)
    home.warehouse.rename(home.root / "aside")
    connect(home).close()


@pytest.mark.parametrize("share", [0.001, 0.2, 0.8])
def test_a_warehouse_that_was_cut(home: Home, share: float):
    whole = home.warehouse.read_bytes()
    home.warehouse.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CardwatchError, match=r"warehouse is damaged.*move.*rebuilt from"):
        read_all(home)


def kill_before_a_checkpoint(home: Home) -> Path:
    """Leave a log of changes that the warehouse does not hold yet; return it."""
    script = (
        "import duckdb, os, signal, sys; c = duckdb.connect(sys.argv[1]);"
        "c.execute('create table late as select 1 as x');"
        "c.execute('insert into t select i, i::varchar from range(3000) as n (i)');"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(home.warehouse)], check=False)
    assert killed.returncode == -signal.SIGKILL
    log = home.warehouse.with_name("warehouse.duckdb.wal")
    assert log.exists()
    return log


def test_a_flipped_bit_of_the_log_of_changes(home: Home):
    flip(kill_before_a_checkpoint(home), 0.5)
    with pytest.raises(CardwatchError, match=r"damaged.*warehouse\.duckdb\.wal out of"):
        read_all(home)


def test_the_log_of_a_deleted_warehouse_is_not_read_into_the_new_one(home: Home):
    log = kill_before_a_checkpoint(home)
    home.warehouse.unlink()
    with connect(home) as connection:
        assert connection.execute("show tables").fetchall() == []
    assert not log.exists()


@pytest.mark.parametrize("place", [0, 0.3, 0.6])
def test_a_damaged_published_copy_is_written_anew(home: Home, place: float):
    home.published.mkdir()
    home.published_copy.write_bytes(home.warehouse.read_bytes())
    flip(home.published_copy, place)
    with (
        pytest.raises(CardwatchError, match=r"cardwatch\.duckdb cannot be read.*writes it anew"),
        open_published(home) as published,
    ):
        published.execute("select bit_xor(hash(t)) from t").fetchall()


def test_damaged_records_of_dagster_are_named():
    for said in ("database disk image is malformed", "file is not a database"):
        explained = explain_database_error(RuntimeError(f"(sqlite3.DatabaseError) {said}"))
        assert "move the folder dagster out of CARDWATCH_HOME" in str(explained)


# --- landed files ---------------------------------------------------------------------------------


def sale(sale_id: str, amount: int) -> str:
    return f"sale_id,card_id,sold_at,amount\n{sale_id},c,2025-01-01,{amount}\n"


def earlier(connection: duckdb.DuckDBPyConnection) -> list[EarlierLoad]:
    columns = "load_id, source, feed, file, file_hash, loaded_at"
    loads = connection.execute(f"select {columns} from raw.load_manifest order by load_id")
    return [EarlierLoad(*load) for load in loads.fetchall()]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[Home, duckdb.DuckDBPyConnection, Path]]:
    """A home whose second file, by name, was loaded first."""
    home = Home(tmp_path / "shop")
    with connect(home) as connection:
        prepare_raw(connection, FEEDS)
        later = put(home, sale("s1", 1), "b.csv")
        load_landed(connection, home, FEEDS)
        put(home, sale("s1", 2), "a.csv")
        load_landed(connection, home, FEEDS)
        yield home, connection, later


def test_a_landed_file_whose_bytes_changed_is_named(
    shop: tuple[Home, duckdb.DuckDBPyConnection, Path],
):
    home, connection, file = shop
    before = connection.execute("from raw.load_manifest").fetchall()
    flip(file, 0.97)
    with pytest.raises(CardwatchError, match=r"b\.csv is not what was loaded from it on.*back"):
        load_landed(connection, home, FEEDS, earlier(connection))
    assert connection.execute("from raw.load_manifest").fetchall() == before
    flip(file, 0.97)
    assert load_landed(connection, home, FEEDS, earlier(connection)) == []


def test_a_loaded_file_may_be_archived_until_the_warehouse_is_lost(
    shop: tuple[Home, duckdb.DuckDBPyConnection, Path],
):
    home, connection, file = shop
    history = earlier(connection)
    content = file.read_bytes()
    file.unlink()
    assert load_landed(connection, home, FEEDS, history) == []
    with duckdb.connect() as rebuilt:
        prepare_raw(rebuilt, FEEDS)
        with pytest.raises(CardwatchError, match=r"b\.csv is missing.*put it back"):
            load_landed(rebuilt, home, FEEDS, history)
        assert rebuilt.execute("from raw.load_manifest").fetchall() == []
        file.with_name("renamed.csv").write_bytes(content)
        load_landed(rebuilt, home, FEEDS, history)


def test_a_rebuilt_warehouse_loads_in_the_order_and_under_the_numbers_of_before(
    shop: tuple[Home, duckdb.DuckDBPyConnection, Path],
):
    home, connection, _ = shop
    put(home, sale("s9", 1), "0.csv")
    with duckdb.connect() as rebuilt:
        prepare_raw(rebuilt, FEEDS)
        load_landed(rebuilt, home, FEEDS, earlier(connection))
        known = "from raw.load_manifest where load_id <= 2 order by load_id"
        assert rebuilt.execute(known).fetchall() == connection.execute(known).fetchall()
        new = rebuilt.execute("select load_id, file from raw.load_manifest where load_id > 2")
        assert new.fetchall() == [(3, "0.csv")]


# --- a home that nobody may write to --------------------------------------------------------------


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_said_whoever_meets_it(code: int):
    explained = explain_database_error(OSError(code, os.strerror(code)))
    assert "the disk is full; free space" in str(explained)


def test_a_transaction_that_no_disk_holds_leaves_nothing(tmp_path: Path):
    script = (
        "import resource, signal, sys; from pathlib import Path;"
        "from tests.orchestration.test_damage import fill;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000));"
        "fill(Path(sys.argv[1]))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "the disk is full" in finished.stdout, finished.stderr
    with connect(Home(tmp_path)) as connection:
        assert connection.execute("show tables").fetchall() == []
        connection.execute(FILL)


def fill(folder: Path) -> None:
    """Write more than fits, in one transaction; print what a user would read."""
    try:
        with connect(Home(folder)) as connection, transaction(connection):
            connection.execute(FILL)
    except duckdb.Error as error:
        print(explain_database_error(error))


def test_a_home_that_is_not_writable_is_one_sentence(tmp_path: Path):
    home = Home(tmp_path / "home")
    (home.landing / "company").mkdir(parents=True)
    home.root.chmod(0o555)
    finished = subprocess.run(
        [*_without_privileges(), str(Path(sys.executable).parent / "cardwatch"), "run"],
        env={**os.environ, "CARDWATCH_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1, finished.stderr[-2000:]
    assert "Traceback" not in finished.stderr
    assert "(permission denied); check the path and your rights to it" in finished.stderr
    assert [path.name for path in home.root.iterdir()] == ["landing"]


def _without_privileges() -> list[str]:
    """How a command is called so that rights to files hold for it: root's do not."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("there is no setpriv, with which root gives up its privilege over files")
    return [setpriv, "--bounding-set=-dac_override,-dac_read_search"]
