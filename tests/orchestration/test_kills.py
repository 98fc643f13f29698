"""Killed at any write of landing, issue and publication, and done again: as if undisturbed."""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pytest

from orchestration.defs.landing import load_what_landed
from orchestration.engine.fail_points import PLACES, Place, fail_point
from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.landing.folder import copy_to_landing
from orchestration.landing.load import prepare_raw
from orchestration.ledger.issue import issue, prepare_ledger, settle
from orchestration.publication import publish as publication
from tests.homes import copy_of
from tests.kills import done, killed_at, kills
from tests.orchestration.ledger.proposals import PROPOSED, draw_a_seed, propose_a_score

Action = Callable[[Home], None]

# --- what is killed -------------------------------------------------------------------------------

PURCHASES = "transaction_id,card_id,authorized_at,merchant_id,amount,currency\n"


def land(home: Home) -> None:
    """Load what has landed, as a run does first."""
    load_what_landed(home, _FEEDS, None, None)


def copy_files(home: Home) -> None:
    """Copy files into the landing folder."""
    files = sorted((home.root / "sent").iterdir())
    copy_to_landing(home, files, "company", "card_transactions")


def issue_once(home: Home) -> None:
    """Issue what is proposed, unless it was issued: the next run finds its days issued."""
    with connect(home) as connection:
        prepare_ledger(connection, home)
        if connection.execute("select count(*) from ledger.issues").fetchone() == (1,):
            issue(connection, home)


def publish(home: Home) -> None:
    """Publish the marts, without rules."""
    with (
        connect(home) as connection,
        mock.patch.object(publication, "write_rule_pages", return_value=0),
    ):
        publication.publish(connection, home)
        settle(connection)


_FEEDS = [feed for feed in read_feeds() if feed.source == "company"]


# --- homes to do it in ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home of which one file was loaded and taken out again, and three wait."""
    home = Home(tmp_path_factory.mktemp("landed") / "home")
    folder = home.landing / "company" / "card_transactions"
    folder.mkdir(parents=True)
    withdrawn = folder / "0.csv"
    withdrawn.write_text(f"{PURCHASES}t0,c,2025-01-01,m,1,KRW\n", encoding="utf-8")
    done(land, home)
    withdrawn.unlink()
    for number in (1, 2):
        rows = f"t{number},c,2025-01-0{number},m,{number}.5,KRW\nx{number},c,never,m,1,KRW\n"
        (folder / f"{number}.csv").write_text(PURCHASES + rows, encoding="utf-8")
    employees = home.landing / "company" / "employees" / "1.csv"
    employees.parent.mkdir()
    employees.write_text("employee_id,department_id,valid_from\ne,d,2024-01-01\n", encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home beside which two files lie that are to be landed."""
    home = Home(tmp_path_factory.mktemp("sent") / "home")
    (home.root / "sent").mkdir(parents=True)
    for number in (1, 2):
        row = f"t{number},c,2025-01-01,m,1,KRW\n"
        (home.root / "sent" / f"{number}.csv").write_text(PURCHASES + row, encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that issued once, and whose second issue is proposed."""
    home = Home(tmp_path_factory.mktemp("proposed") / "home")
    with connect(home) as connection:
        prepare_raw(connection, [])
        prepare_ledger(connection, home)
        connection.execute(PROPOSED)
        propose_a_score(connection, "t1")
        issue(connection, home)
        connection.execute("delete from scoring.risk; delete from alerts.review_probabilities")
        propose_a_score(connection, "t2")
        draw_a_seed(connection)
    return home


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that published once and has new rows in its marts, a small one and one by months."""
    home = Home(tmp_path_factory.mktemp("built") / "home")
    home.dbt_target.mkdir(parents=True)
    model = {"resource_type": "model", "schema": "marts", "config": {"meta": {}}}
    by_month = {"meta": {"published_by_month_of": "day"}}
    nodes = {
        "cases": {**model, "alias": "cases"},
        "scores": {**model, "alias": "scores", "config": by_month},
    }
    (home.dbt_target / "manifest.json").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    with connect(home) as connection:
        prepare_raw(connection, [])
        connection.execute(
            "create schema marts; create table marts.cases as select 'a' as case_id;"
            "create table marts.scores as select 1 as issue_id, date '2025-01-31' as day"
        )
    publish(home)
    with connect(home) as connection:
        connection.execute(
            "insert into marts.cases values ('b');"
            "insert into marts.scores values (2, '2025-01-30'), (2, '2025-02-01')"
        )
    return home


# --- what has to be the same afterwards -----------------------------------------------------------


def content(home: Home) -> dict[str, Any]:
    """All rows of warehouse and published copy, and the files; but times, and seeds."""
    found: dict[str, Any] = {
        "files": sorted(
            str(path.relative_to(home.root))
            for folder in (home.landing, home.ledger, home.published)
            for path in folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        )
    }
    if home.warehouse.exists():
        found |= _tables(home.warehouse)
    if home.published_copy.exists():
        found |= _tables(home.published_copy)
        for file in home.published.rglob("*.parquet"):
            name = str(file.relative_to(home.published))
            found[name] = duckdb.sql(f"from '{file}' order by all").fetchall()
    return found


def _tables(file: Path) -> dict[str, Any]:
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name, list(column_name) from duckdb_columns()"
            " where database_name = current_database() and not internal"
            " and column_name not in"
            " ('loaded_at', '_loaded_at', 'issued_at', 'audit_seed', 'sha256')"
            " group by all order by all"
        ).fetchall()
        return {
            f"{file.name}: {schema}.{table}": connection.execute(
                f"select {', '.join(columns)} from {schema}.{table} order by all"
            ).fetchall()
            for schema, table, columns in tables
        }


# --- the tests ------------------------------------------------------------------------------------

ACTIONS: dict[str, tuple[str, Action, tuple[Place, ...]]] = {
    "copy": ("sent", copy_files, ("file.written", "file.named")),
    "land": (
        "landed",
        land,
        ("transaction.begun", "transaction.done", "transaction.committed", "run.landed"),
    ),
    "issue": (
        "proposed",
        issue_once,
        (
            *("file.written", "file.named", "transaction.begun", "transaction.done"),
            *("transaction.committed", "issue.committed", "issue.named"),
        ),
    ),
    "publish": (
        "built",
        publish,
        (
            *("file.written", "file.named", "publish.tables", "publish.month", "publish.months"),
            "publish.pages",
        ),
    ),
}
CASES = [(name, place) for name, (_, _, places) in ACTIONS.items() for place in places]


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, dict[str, Any]]:
    """What a home holds after each action that nothing disturbed."""
    return {}


@pytest.mark.parametrize(("name", "place"), CASES)
def test_killed_and_done_again_is_undisturbed(
    name: str,
    place: Place,
    request: pytest.FixtureRequest,
    undisturbed: dict[str, dict[str, Any]],
    tmp_path: Path,
):
    fixture, action, _ = ACTIONS[name]
    before: Home = request.getfixturevalue(fixture)
    if name not in undisturbed:
        whole = copy_of(before, tmp_path / "whole" / "home")
        done(action, whole)
        undisturbed[name] = content(whole)
        assert undisturbed[name] != content(before)
    count = 0
    for number in kills(place):
        home = copy_of(before, tmp_path / str(number) / "home")
        if not killed_at(place, number, action, home):
            break
        count = number
        done(action, home)
        found = content(home)
        different = {
            key for key in found | undisturbed[name] if found.get(key) != undisturbed[name].get(key)
        }
        assert different == set(), (number, different)
    assert count > 0, "the place was never passed"


def test_every_place_is_passed_and_no_other():
    called = set(_called(project_root() / "orchestration"))
    assert called == set(PLACES)


def _called(folder: Path) -> Iterator[str]:
    """The places that the code names."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == fail_point.__name__:
                (name,) = node.args
                assert isinstance(name, ast.Constant)
                yield str(name.value)
