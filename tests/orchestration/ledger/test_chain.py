"""No file of the ledger is missing, changed or cut without being named, with the way out."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.load import prepare_raw
from orchestration.ledger.issue import issue, prepare_ledger
from tests.orchestration.ledger.proposals import content, draw_a_seed, files, propose_a_score


@pytest.fixture
def issued(home: Home, warehouse: duckdb.DuckDBPyConnection) -> Home:
    """A home with three issues of a score each."""
    for number in range(1, 4):
        warehouse.execute("delete from scoring.risk; delete from alerts.review_probabilities")
        propose_a_score(warehouse, f"t{number}")
        draw_a_seed(warehouse)
        issue(warehouse, home)
    return home


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    spoiled = bytearray(path.read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    path.write_bytes(spoiled)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def add_a_copy(path: Path) -> None:
    shutil.copytree(path, path.with_name("000004"))


def renumber(path: Path) -> None:
    path.rename(path.with_name("000007"))


def without_its_end(path: Path) -> None:
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["files"]["scores.parquet"]
    path.write_text(json.dumps(manifest), encoding="utf-8")


#: What is done to which file or folder, and which one is named. Whether the warehouse is there or
#: lost makes no difference.
DAMAGES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "oldest folder is missing": (remove, "000001", "000001 is missing"),
    "a hole": (remove, "000002", "000002 is missing"),
    "newest folder is missing": (remove, "000003", "000003 is missing"),
    "an extra folder": (add_a_copy, "000003", "000004 holds issue 3"),
    "a folder has another number": (renumber, "000003", "000003 is missing"),
    "a file is missing": (remove, "000002/scores.parquet", "000002/scores.parquet is missing"),
    "a file is cut": (cut, "000002/scores.parquet", "000002/scores.parquet has "),
    "a manifest is missing": (remove, "000002/issue.json", "000002/issue.json is missing"),
    "a manifest is cut": (cut, "000002/issue.json", "000002/issue.json cannot be read"),
    "a manifest lies": (without_its_end, "000002/issue.json", "000003 does not follow"),
    "the last manifest lies": (without_its_end, "000003/issue.json", "newest.json names another"),
    "the end is not noted": (remove, "newest.json", "newest.json is missing"),
    "the note of the end is cut": (cut, "newest.json", "newest.json cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("is_lost", [False, True])
def test_damage_is_named_with_the_way_out(
    issued: Home, warehouse: duckdb.DuckDBPyConnection, damage: str, is_lost: bool
):
    act, on, named = DAMAGES[damage]
    act(issued.ledger / on)
    before = files(issued)
    with duckdb.connect() as fresh:
        prepare_raw(fresh, [])
        with pytest.raises(CardwatchError, match=re.escape(named)) as refused:
            prepare_ledger(fresh if is_lost else warehouse, issued)
        if is_lost:
            assert not any(content(fresh).values())
    assert "put it back from a backup" in str(refused.value)
    assert files(issued) == before


def test_a_changed_byte_is_named_before_a_row_is_read_back(issued: Home):
    flip(issued.ledger / "000002" / "scores.parquet")
    with duckdb.connect() as fresh:
        prepare_raw(fresh, [])
        with pytest.raises(CardwatchError, match=r"000002/scores\.parquet is not what was issued"):
            prepare_ledger(fresh, issued)
        # the issue before it is there whole, and nothing of this one
        assert [row[0] for row in content(fresh)["issues"]] == [1]


def test_files_of_another_warehouse_are_refused(issued: Home, warehouse: duckdb.DuckDBPyConnection):
    warehouse.execute("update ledger.chain set sha256 = 'of another home' where issue_id = 2")
    with pytest.raises(CardwatchError, match=r"000002 is not what .*warehouse\.duckdb issued"):
        prepare_ledger(warehouse, issued)


def test_the_way_out_without_a_backup_writes_the_ledger_anew(
    issued: Home, warehouse: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture[str]
):
    remove(issued.ledger / "000001")
    with pytest.raises(CardwatchError, match=r"move .* away as a whole"):
        prepare_ledger(warehouse, issued)
    before = content(warehouse)
    shutil.rmtree(issued.ledger)
    prepare_ledger(warehouse, issued)
    assert "3 were written from the warehouse" in capsys.readouterr().err
    prepare_ledger(warehouse, issued)
    assert capsys.readouterr().err == ""
    with duckdb.connect() as fresh:
        prepare_raw(fresh, [])
        prepare_ledger(fresh, issued)
        assert content(fresh) == before


def test_an_older_warehouse_gets_what_was_issued_since(
    issued: Home, warehouse: duckdb.DuckDBPyConnection
):
    before = content(warehouse)
    for table in ("issues", "scores", "chain"):
        warehouse.execute(f"delete from ledger.{table} where issue_id = 3")
    warehouse.execute("delete from ledger.audit_draws where issue_id = 3")
    prepare_ledger(warehouse, issued)
    assert content(warehouse) == before


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_home_of_before_the_chain_gets_one_and_is_told_once(
    issued: Home,
    warehouse: duckdb.DuckDBPyConnection,
    capsys: pytest.CaptureFixture[str],
    is_lost: bool,
):
    as_before_the_chain(issued, warehouse)
    with duckdb.connect() as fresh:
        prepare_raw(fresh, [])
        connection = fresh if is_lost else warehouse
        prepare_ledger(connection, issued)
        assert "3 issues are chained" in capsys.readouterr().err
        prepare_ledger(connection, issued)
        assert capsys.readouterr().err == ""
        remove(issued.ledger / "000002" / "issue.json")
        with pytest.raises(CardwatchError, match=r"000002/issue\.json is missing"):
            prepare_ledger(connection, issued)


def test_a_chain_whose_beginning_broke_off_is_begun_again(
    issued: Home, warehouse: duckdb.DuckDBPyConnection
):
    as_before_the_chain(issued, warehouse, kept=1)
    prepare_ledger(warehouse, issued)
    with duckdb.connect() as fresh:
        prepare_raw(fresh, [])
        prepare_ledger(fresh, issued)
        assert content(fresh) == content(warehouse)


def as_before_the_chain(home: Home, warehouse: duckdb.DuckDBPyConnection, kept: int = 0) -> None:
    """Take away what the chain is made of, but for the first folders' manifests."""
    for manifest in sorted(home.ledger.glob("*/issue.json"))[kept:]:
        manifest.unlink()
    (home.ledger / "newest.json").unlink()
    warehouse.execute("delete from ledger.chain")


def test_loads_are_noted_once_in_their_order_when_runs_have_finished_with_them(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    load = """
        insert into raw.load_manifest by name
        select
            $1 as load_id, 's' as source, 'f' as feed, $2 as file, $2 as file_hash,
            now()::timestamp as loaded_at
    """
    for number in (1, 2, 8):
        warehouse.execute(load, [number, f"file {number}"])
    issue(warehouse, home)
    noted = "select issue_id, load_id, file from ledger.loads order by load_id"
    assert warehouse.execute(noted).fetchall() == [(1, 1, "file 1"), (1, 2, "file 2")]
    # a run that has nothing to build but files to finish with notes them too
    warehouse.execute("update run.build_window set built_from = '2025-02-01', latest_load_id = 8")
    assert issue(warehouse, home) is None
    assert warehouse.execute(noted).fetchall()[-1] == (2, 8, "file 8")
    assert issue(warehouse, home) is None
    assert warehouse.execute("select count(*) from ledger.issues").fetchall() == [(2,)]
