"""Who stays connected sees the next publication in the views; in the copy, what they opened."""

import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import create_engine, text

from orchestration.engine.home import Home
from orchestration.publication.live import publish_views
from orchestration.publication.publish import publish
from tests.orchestration.publication.test_publish import home, warehouse

__all__ = ["home", "warehouse"]

Ask = Callable[[Path, str], list[tuple[Any, ...]]]

_NEW_POOL = "a new pool"


def serve(questions: Any) -> None:
    """Answer queries on files, with a pool of connections to each, as a BI server does for days."""
    pools: dict[Path, Any] = {}
    while True:
        try:
            file, query = questions.recv()
        except EOFError:
            return
        if query == _NEW_POOL:
            pools.pop(file).dispose()
            questions.send([])
            continue
        if file not in pools:
            pools[file] = create_engine(f"duckdb:///{file}", connect_args={"read_only": True})
        with pools[file].connect() as connection:
            questions.send([tuple(row) for row in connection.execute(text(query))])


@pytest.fixture
def ask() -> Iterator[Ask]:
    """A BI server in a process of its own."""
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    server = processes.Process(target=serve, args=(theirs,))
    server.start()
    theirs.close()

    def answer(file: Path, query: str) -> list[tuple[Any, ...]]:
        ours.send((file, query))
        assert ours.poll(60)
        answered: list[tuple[Any, ...]] = ours.recv()
        return answered

    yield answer
    ours.close()
    server.join(60)


def test_a_pool_sees_the_next_publication_in_the_views_without_opening_them_again(
    home: Home, warehouse: duckdb.DuckDBPyConnection, ask: Ask
):
    live, copy = home.published_views, home.published_copy
    count = "select (select max(state) from cases), (select count(*) from scores)"
    publish(warehouse, home)
    assert ask(live, count) == [("new", 2)]
    assert ask(copy, "select state from cases") == [("new",)]
    file = live.stat().st_ino
    warehouse.execute("create or replace view marts.cases as select 'a' as case_id, 'won' as state")
    warehouse.execute("insert into issued values (2, '2025-02-28', 1)")
    publish(warehouse, home)
    assert ask(live, count) == [("won", 3)]
    assert live.stat().st_ino == file
    # the copy that was opened stays what it was, until the pool opens it again
    assert ask(copy, "select state from cases") == [("new",)]
    ask(copy, _NEW_POOL)
    assert ask(copy, "select state from cases") == [("won",)]


def test_views_are_replaced_when_a_table_gets_a_column_or_they_cannot_be_read(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    publish(warehouse, home)
    first = home.published_views.stat().st_ino
    warehouse.execute("create or replace view marts.cases as select 'a' as case_id, 1 as place")
    publish(warehouse, home)
    assert home.published_views.stat().st_ino != first
    home.published_views.write_bytes(b"spoiled")
    publish(warehouse, home)
    with duckdb.connect(str(home.published_views), read_only=True) as views:
        assert views.execute("from cases").fetchall() == [("a", 1)]


def test_a_folder_with_a_quote_in_its_name_is_no_sql(tmp_path: Path):
    folder = tmp_path / "it's"
    folder.mkdir()
    duckdb.sql("select 1 as x").write_parquet(str(folder / "a.parquet"))
    publish_views(folder / "views.duckdb", {"a": str(folder / "a.parquet")})
    with duckdb.connect(str(folder / "views.duckdb"), read_only=True) as views:
        assert views.execute("from a").fetchall() == [(1,)]
