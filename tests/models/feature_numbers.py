"""The numbers that feature models compare with: what a rule cannot look behind.

A feature that keeps `kilometres <= 1` hides from its rule what is farther away. The comparisons are
read from the models' SQL as DuckDB parses it; what comes from the seed through rule_reach is a
subquery there and no number.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

_ORDERED = {
    "COMPARE_GREATERTHAN",
    "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_LESSTHAN",
    "COMPARE_LESSTHANOREQUALTO",
    "COMPARE_BETWEEN",
}
#: What rule_reach renders, and kilometres_between as DuckDB writes it back.
REACH = re.compile(
    r"""\(\s*select\s+case\s+-- without any row, .*?"(?P<end>from|to) .*?"""
    r"""rule_id = '(?P<rule_id>\w+)'\s+and parameter = '(?P<parameter>\w+)'.*?\) as edges\s*\)""",
    re.DOTALL,
)
_KILOMETRES = re.compile(r"\(\(?2 \* 6371\.0088\) \* asin\(CASE .*? END\)\)")
_INTERVAL = re.compile(r"to_(\w+)\(CAST\(trunc\(CAST\((\d+) AS DOUBLE\)\) AS \w+\)\)")


def numbers_compared_with(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Comparisons with a number other than 0 and other than a reach, as SQL, in their order."""
    tree = _parsed(connection, REACH.sub("reach", sql))
    found = [_text(connection, each) for each in _comparisons(tree)]
    return list(dict.fromkeys(found))


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = connection.execute("select json_serialize_sql(?)", [sql]).fetchone()
    assert row is not None
    tree = json.loads(row[0])
    assert not tree["error"], tree
    return tree


def _text(connection: duckdb.DuckDBPyConnection, expression: Any) -> str:
    tree = _parsed(connection, "select 1")
    tree["statements"][0]["node"]["select_list"] = [expression]
    row = connection.execute("select json_deserialize_sql(?::json)", [json.dumps(tree)]).fetchone()
    assert row is not None
    text = _INTERVAL.sub(r"\2 \1", row[0].removeprefix("SELECT (").removesuffix(")"))
    text = _KILOMETRES.sub("kilometres", text)
    return text.replace('"', "").replace("main.", "")


def _comparisons(node: Any) -> Iterator[Any]:
    if isinstance(node, list):
        for each in node:
            yield from _comparisons(each)
    elif isinstance(node, dict) and not _is_distance(node):
        if node.get("class") in ("COMPARISON", "BETWEEN") and node["type"] in _ORDERED:
            sides = [
                node[side] for side in ("left", "right", "input", "lower", "upper") if side in node
            ]
            # what is compared with a reach may be counted from 1
            if any(map(_has_number, sides)) and not any(map(_is_of_reaches, sides)):
                yield node
        for each in node.values():
            yield from _comparisons(each)


def _has_number(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_has_number, node))
    if not isinstance(node, dict) or node.get("class") == "SUBQUERY" or _is_distance(node):
        return False
    if node.get("class") == "CONSTANT":
        return isinstance(node["value"].get("value"), int | float) and node["value"]["value"] != 0
    return any(map(_has_number, node.values()))


def _is_of_reaches(node: Any) -> bool:
    """Whether this is made of reaches, and of no number beside them."""
    return "'column_names': ['reach']" in str(node) and not _has_number(node)


def _is_distance(node: dict[str, Any]) -> bool:
    """Whether this is what kilometres_between makes, whose numbers are those of the globe."""
    return node.get("function_name") == "asin"
