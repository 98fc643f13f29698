"""What a broken or finished run leaves in the warehouse."""

from pathlib import Path

import pytest

from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect, drop_left_over, memory_at_most


def test_what_python_models_left_is_dropped_and_nothing_else(tmp_path: Path) -> None:
    with connect(Home(tmp_path)) as connection:
        for name in ("scores__dbt_tmp20261122014017471887", "scores__dbt_tmp", "scores"):
            connection.execute(f"create table main.{name} as select 1 as x")
        connection.execute("create schema detectors; create table detectors.a__dbt_tmp1 (x int)")
        assert drop_left_over(connection) == 2
        left = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
        assert left == [("a__dbt_tmp1",), ("scores",)]


@pytest.mark.parametrize(("limit", "within"), [("2GB", "256.0 MiB"), ("100MB", "95.3 MiB")])
def test_a_step_may_hold_less_in_memory_but_never_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, within: str
) -> None:
    monkeypatch.setenv("CARDWATCH_MEMORY_LIMIT", limit)
    with connect(Home(tmp_path)) as connection:
        query = "select current_setting('memory_limit')"
        before = connection.execute(query).fetchall()
        with memory_at_most(connection, 256):
            assert connection.execute(query).fetchall() == [(within,)]
        assert connection.execute(query).fetchall() == before
