"""Everything that must not be lost is read, and what is damaged is named."""

import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.defs.landing import load_what_landed
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.ledger.issue import issue
from orchestration.verify import verify
from tests.homes import copy_of
from tests.orchestration.ledger.proposals import PROPOSED, propose_a_score
from tests.orchestration.test_damage import flip


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a landed file and an issue."""
    home = Home(tmp_path_factory.mktemp("verify") / "home")
    file = home.landing / "company" / "card_transactions" / "a.csv"
    file.parent.mkdir(parents=True)
    file.write_text(
        "transaction_id,card_id,authorized_at,merchant_id,amount,currency\n"
        "t1,c,2025-01-20 10:00:00,m,1,KRW\n",
        encoding="utf-8",
    )
    load_what_landed(home, read_feeds(), None, None)
    with connect(home) as connection:
        connection.execute(PROPOSED)
        propose_a_score(connection, "t1")
        issue(connection, home)
    return home


def test_what_is_whole_is_counted(whole: Home):
    found = verify(whole)
    assert (found.issues, found.landed_files) == (1, 1)
    assert found.tables > 30


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("ledger/000001/scores.parquet", "scores.parquet is not what was issued"),
        ("landing/company/card_transactions/a.csv", "a.csv is not what was loaded from it"),
        ("warehouse.duckdb", "orrupt"),
    ],
)
def test_a_flipped_bit_is_named_and_turned_back_all_is_whole(whole: Home, file: str, named: str):
    path: Path = whole.root / file
    flip(path, 0.6)
    try:
        with pytest.raises(Exception, match=re.escape(named)):
            verify(whole)
    finally:
        flip(path, 0.6)
    assert verify(whole).issues == 1


def test_a_home_without_a_warehouse_has_nothing_to_verify(tmp_path: Path):
    with pytest.raises(CardwatchError, match="there is no warehouse"):
        verify(Home(tmp_path))


NUMBER = "4111 1111 1111 1111"


def in_a_table(home: Home) -> None:
    with connect(home) as connection:
        connection.execute("create table raw.planted as select ['see', $1] as words", [NUMBER])


def in_a_parquet_file(home: Home) -> None:
    home.published.mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        target = home.published / "planted.parquet"
        connection.execute(f"copy (select {NUMBER!r} as note) to '{target}'")


def in_a_published_database(home: Home) -> None:
    home.published.mkdir(exist_ok=True)
    with duckdb.connect(str(home.published / "planted.duckdb")) as connection:
        connection.execute("create table planted as select $1 as note", [NUMBER])


def in_a_log(home: Home) -> None:
    home.dbt_target.mkdir(exist_ok=True)
    (home.dbt_target / "planted.log").write_text(f"failed: {NUMBER}\n", encoding="utf-8")


@pytest.mark.parametrize(
    "plant", [in_a_table, in_a_parquet_file, in_a_published_database, in_a_log]
)
def test_a_card_number_is_found_wherever_it_stands(
    whole: Home, tmp_path: Path, plant: Callable[[Home], None]
):
    home = copy_of(whole, tmp_path / "home")
    assert verify(home).files > 5
    plant(home)
    with pytest.raises(CardwatchError, match="card number in clear") as refused:
        verify(home)
    assert "planted" in str(refused.value)
    assert NUMBER not in str(refused.value)
