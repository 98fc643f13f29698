"""The published copy: the marts and nothing else, replaced whole; a large one month by month."""

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.engine.home import Home
from orchestration.publication import publish as publication
from orchestration.publication.publish import Mart, publish, read_marts


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose dbt project has two marts, one of them published by months; without rules."""
    home = Home(tmp_path / "home")
    home.create()
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    model = {"resource_type": "model", "schema": "marts", "config": {"meta": {}}}
    scores = {"meta": {"published_by_month_of": "day"}}
    nodes = {
        "model.cardwatch.mart_cases": {**model, "alias": "cases"},
        "model.cardwatch.mart_scores": {**model, "alias": "scores", "config": scores},
        "model.cardwatch.cases": {**model, "schema": "cases", "alias": "cases"},
        "test.cardwatch.key_mart_cases": {**model, "resource_type": "test", "alias": "key"},
    }
    (home.dbt_target / "manifest.json").write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    monkeypatch.setattr(publication, "write_rule_pages", lambda connection, folder: 0)
    return home


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema marts;
            create view marts.cases as select 'a' as case_id, 'new' as state;
            create view marts.fct_alerts as select 'a mart of an earlier version' as alert_id;
            create table issued (issue_id bigint, day date, risk double);
            insert into issued values (1, '2025-01-31', 0.5), (1, '2025-02-01', 0.25);
            create view marts.scores as from issued;
            """
        )
        yield connection


def published_rows(home: Home, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home.published / "cardwatch.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_marts_are_those_of_the_project_and_say_how_they_are_published(home: Home):
    assert read_marts(home) == [Mart("cases", None), Mart("scores", "day")]


def test_the_copy_has_the_marts_alone_and_each_as_a_file(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    assert publish(warehouse, home) == {"cases": 1, "scores": 2, "rule_pages": 0}
    assert published_rows(home, "show tables") == [("cases",)]
    assert published_rows(home, "from cases") == [("a", "new")]
    assert duckdb.sql(f"from '{home.published}/cases.parquet'").fetchall() == [("a", "new")]


def test_only_months_of_a_new_issue_are_written_and_a_month_without_rows_goes(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    january = home.published / "scores" / "month=2025-01" / "scores.parquet"
    publish(warehouse, home)
    written = january.stat().st_mtime_ns
    assert publish(warehouse, home)["scores"] == 0
    warehouse.execute("insert into issued values (2, '2025-02-28', 1)")
    assert publish(warehouse, home)["scores"] == 2
    assert january.stat().st_mtime_ns == written
    (february,) = (home.published / "scores" / "month=2025-02").iterdir()
    assert february.name == "scores.parquet"
    assert duckdb.sql(f"select risk from '{february}'").fetchall() == [(0.25,), (1.0,)]
    warehouse.execute("delete from issued where day < '2025-02-01'")
    publish(warehouse, home)
    assert not january.parent.exists()


def test_a_month_that_cannot_be_read_or_has_an_older_name_is_written_anew(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    publish(warehouse, home)
    january = home.published / "scores" / "month=2025-01" / "scores.parquet"
    january.write_bytes(january.read_bytes()[:-100])
    february = home.published / "scores" / "month=2025-02" / "scores.parquet"
    february.rename(february.with_name("issue_000001.parquet"))
    assert publish(warehouse, home)["scores"] == 2
    for file in (january, february):
        assert [path.name for path in file.parent.iterdir()] == ["scores.parquet"]
        assert duckdb.sql(f"select count(*) from '{file}'").fetchall() == [(1,)]


def test_what_fails_on_the_way_leaves_the_copy_as_it_was(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    publish(warehouse, home)
    warehouse.execute("create or replace view marts.cases as select error('on the way') as case_id")
    with pytest.raises(duckdb.Error, match="on the way"):
        publish(warehouse, home)
    assert published_rows(home, "from cases") == [("a", "new")]
    names = {path.name for path in home.published.iterdir()}
    assert names == {"cardwatch.duckdb", "cardwatch_live.duckdb", "cases.parquet", "scores"}
    # and the next publication is not in its way
    warehouse.execute("create or replace view marts.cases as select 'b' as case_id")
    publish(warehouse, home)
    assert published_rows(home, "from cases") == [("b",)]
