"""A query without the columns that nobody asks for.

DuckDB leaves out the unused columns of a table but computes every window function of a query, used
or not. To measure some columns of a model, what only the others need is taken out of its SQL here,
in the syntax tree that DuckDB itself makes of it.
"""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import duckdb

# A node of DuckDB's syntax tree (json_serialize_sql).
Node: TypeAlias = dict[str, Any]


def prune(connection: duckdb.DuckDBPyConnection, sql: str, wanted: set[str]) -> str:
    """The same query with these of its columns; it ends in `select * from` its last CTE.

    A CTE keeps a column when its name occurs anywhere behind it: perhaps more than is needed,
    never less. CTEs whose columns are taken by position, in a union, stay as they are.
    """
    (text,) = _row(connection, "select json_serialize_sql(?)", sql)
    tree = json.loads(text)
    (statement,) = tree["statements"]
    outermost = statement["node"]
    ctes = outermost["cte_map"]["map"]
    by_position = {
        table["table_name"]
        for node in _nodes(outermost)
        if node.get("type") == "SET_OPERATION_NODE"
        for table in _nodes(node)
        if table.get("type") == "BASE_TABLE"
    }
    needed = wanted | _names({**outermost, "cte_map": None})
    for cte in reversed(ctes):
        query = cte["value"]["query"]["node"]
        if query["type"] == "SELECT_NODE" and cte["key"] not in by_position:
            _prune_select(query, needed)
        needed |= _names(query)
    (pruned,) = _row(connection, "select json_deserialize_sql(?::json)", json.dumps(tree))
    return str(pruned)


def _prune_select(query: Node, needed: set[str]) -> None:
    """Take out of a select list what is not needed, by others or by itself."""
    if any(modifier["type"] == "DISTINCT_MODIFIER" for modifier in query["modifiers"]):
        return
    expressions = query["select_list"]
    needed = needed | _names({**query, "select_list": None})
    kept: list[Node] = []
    while True:
        found = [each for each in expressions if each["type"] == "STAR" or _name(each) in needed]
        if len(found) == len(kept):
            break
        kept = found
        needed |= _names({"select_list": kept})  # a column may be made of one beside it
    query["select_list"] = kept or expressions[:1]


def _name(expression: Node) -> str:
    """The name that an expression of a select list has for those who read it."""
    return str(expression["alias"] or (expression.get("column_names") or [""])[-1])


def _names(tree: Any) -> set[str]:
    """Every name of a column that occurs in a part of the tree."""
    found: set[str] = set()
    for node in _nodes(tree):
        found.update(node.get("column_names") or ())
        found.update(node.get("using_columns") or ())
    return found


def _nodes(tree: Any) -> Iterator[Node]:
    """A part of the tree and everything below it."""
    if isinstance(tree, dict):
        yield tree
        tree = tree.values()
    elif not isinstance(tree, list):
        return
    for below in tree:
        yield from _nodes(below)


def _row(connection: duckdb.DuckDBPyConnection, query: str, parameter: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query, [parameter]).fetchone()
    if row is None:
        raise RuntimeError("a query that always has one row had none")
    return row
