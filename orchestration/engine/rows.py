"""What a query gives, in the shape that its caller needs."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import duckdb

#: Values of a query's parameters, by position or by name.
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


def one_row(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Parameters = ()
) -> tuple[Any, ...]:
    """Return the first row of a query that always has one; RuntimeError where it has none."""
    row: tuple[Any, ...] | None = connection.execute(query, parameters).fetchone()
    if row is None:
        raise RuntimeError(f"a query that always has one row had none: {query}")
    return row


def one_value(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Parameters = ()
) -> Any:
    """Return the first value of the only row: a count, a largest number, the rows inserted."""
    return one_row(connection, query, parameters)[0]


def has_rows(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Say whether a query finds anything."""
    return connection.execute(f"select 1 from ({query}) limit 1").fetchone() is not None  # noqa: S608


def named_rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Parameters = ()
) -> list[dict[str, Any]]:
    """Return all rows, each as a dictionary of column -> value."""
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Say whether the warehouse has a table or view, which it gets with its first run."""
    found = (
        "select count(*) from information_schema.tables where table_schema = ? and table_name = ?"
    )
    return bool(one_value(connection, found, [schema, table]))
