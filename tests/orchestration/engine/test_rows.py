"""Queries give their rows in the shape that the caller asks for."""

import duckdb
import pytest

from orchestration.engine.rows import has_table, named_rows, one_row, one_value


def test_shapes() -> None:
    with duckdb.connect() as connection:
        assert one_row(connection, "select 1, ?", ["a"]) == (1, "a")
        assert one_value(connection, "select count(*) from range($many)", {"many": 3}) == 3
        query = "select range as a, 'x' as b from range(2) order by a"
        assert named_rows(connection, query) == [{"a": 0, "b": "x"}, {"a": 1, "b": "x"}]
        connection.execute("create schema ledger; create table ledger.alerts (i int)")
        assert one_value(connection, "insert into ledger.alerts values (1), (2)") == 2
        assert has_table(connection, "ledger", "alerts")
        assert not has_table(connection, "marts", "alerts")


def test_a_row_that_is_not_there_is_named_by_its_query() -> None:
    with duckdb.connect() as connection, pytest.raises(RuntimeError, match="where false"):
        one_row(connection, "select 1 where false")
