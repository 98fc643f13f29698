"""Do a rule's unit tests notice when the rule is wrong?

A rule is spoiled in every small way: without one of its predicates, or with a threshold one step
higher or lower. Its unit tests are run again each time, in memory and without dbt; what none of
them notices is something that the rule does and nobody checks.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.engine.home import Home
from orchestration.settings.rules import Rule

Node = dict[str, Any]


@dataclass(frozen=True)
class UnitTest:
    """One unit test of a rule: rows by input relation, and the rows that it expects."""

    name: str
    given: Mapping[str, list[dict[str, Any]]]
    expected: list[dict[str, Any]]


class Rehearsal:
    """Runs unit tests of rules on relations in memory, with the columns of a built warehouse."""

    def __init__(self, home: Home) -> None:
        warehouse = home.warehouse
        self._compiled = home.dbt_target / "compiled/cardwatch"
        self._connection = duckdb.connect()
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute(f"attach '{warehouse}' as built (read_only)")
        # under the name that the rules' compiled SQL has
        self._connection.execute(f"attach ':memory:' as {warehouse.stem}")
        self._database = warehouse.stem
        self._schemas = dict(
            self._connection.execute(
                "select table_name, schema_name from duckdb_tables() where database_name = 'built'"
                " union all"
                " select view_name, schema_name from duckdb_views()"
                # a mart may have the name of the model that it publishes
                " where database_name = 'built' and schema_name <> 'marts'"
            ).fetchall()
        )
        self._empty: set[str] = set()

    def sql(self, model_file: Path) -> str:
        """A model's query, as dbt compiled it."""
        return (self._compiled / model_file).read_text(encoding="utf-8")

    def unnoticed(self, variants: Mapping[str, str], tests: Sequence[UnitTest]) -> list[str]:
        """Which of these queries, by name, pass all unit tests."""
        passing = list(variants)
        for test in tests:
            for model, rows in test.given.items():
                self._fill(model, rows)
            passing = [name for name in passing if self._passes(variants[name], test)]
        return passing

    def _passes(self, sql: str, test: UnitTest) -> bool:
        columns = sorted({name for row in test.expected for name in row})
        try:
            found = self._connection.execute(sql).fetchall()
        except duckdb.Error:
            return False  # such a rule would not even run
        names = [column[0] for column in self._connection.description or []]
        wanted = [tuple(_value(row.get(name)) for name in columns) for row in test.expected]
        places = [names.index(name) for name in columns]
        got = [tuple(_value(row[place]) for place in places) for row in found]
        return sorted(map(repr, got)) == sorted(map(repr, wanted))

    def spoiled(self, sql: str) -> Iterator[tuple[str, str]]:
        """The query without one of its predicates, for each: what is missing, and the query."""
        (text,) = self._row("select json_serialize_sql(?)", sql)
        for place in range(len(list(_predicates(json.loads(text))))):
            tree = json.loads(text)
            parent, child = list(_predicates(tree))[place]
            gone = parent["children"].pop(child) if "children" in parent else parent["where_clause"]
            if "children" not in parent:
                parent["where_clause"] = None
            elif len(parent["children"]) == 1:
                (kept,) = parent["children"]
                parent.clear()
                parent.update(kept)
            (spoiled,) = self._row("select json_deserialize_sql(?::json)", json.dumps(tree))
            yield self._text(gone), str(spoiled)

    def hits_with_exceptions(
        self,
        exceptions: Sequence[tuple[str, ...]],
        purchases: Mapping[str, Mapping[str, str]],
    ) -> dict[str, tuple[str | None, bool]]:
        """Exception and suppression by purchase, all hits of one rule on 15 January 2026."""
        sql = self.sql(Path("models/scoring/rule_hits.sql"))
        rule = "rule_merchant_001_restricted_category"
        day = {"transaction_date": "2026-01-15"}
        hit = {"rule_id": "merchant_001", "subject_type": "transaction"}
        for model, schema in self._schemas.items():
            if f'"{schema}"."{model}"' in sql:
                self._fill(model, [])
        self._fill("build_window", [{"built_from": "2026-01-01", "built_until": "2026-01-31"}])
        self._fill("rule_catalog", [{"rule_id": "merchant_001", "rule_version": "1"}])
        self._fill(
            "rule_exceptions",
            [
                {
                    "exception_id": identifier,
                    "rule_id": "merchant_001",
                    "scope": scope,
                    "scope_value": value,
                    "valid_from": first,
                    "expires_on": last,
                }
                for identifier, scope, value, first, last in exceptions
            ],
        )
        self._fill(
            "int_transactions",
            [{"transaction_id": name, **day, **who} for name, who in purchases.items()],
        )
        self._fill(
            rule,
            [
                {**hit, "subject_id": name, "transaction_id": name, "occurred_at": "2026-01-15"}
                for name in purchases
            ],
        )
        found = self._connection.execute(
            f"select subject_id, exception_id, is_suppressed from ({sql})"
        ).fetchall()
        return {subject: (exception, suppressed) for subject, exception, suppressed in found}

    def _text(self, expression: Node) -> str:
        """An expression as SQL, for people."""
        (text,) = self._row("select json_serialize_sql('select 1')")
        tree = json.loads(text)
        tree["statements"][0]["node"]["select_list"] = [expression]
        (query,) = self._row("select json_deserialize_sql(?::json)", json.dumps(tree))
        return str(query).removeprefix("SELECT ")

    def _fill(self, model: str, rows: list[dict[str, Any]]) -> None:
        schema = self._schemas[model]
        relation = f"{self._database}.{schema}.{model}"
        if model not in self._empty:
            self._connection.execute(f"create schema if not exists {self._database}.{schema}")
            # not by selecting from it: what a view reads is not in memory
            columns = self._connection.execute(
                "select column_name, data_type from duckdb_columns()"
                " where database_name = 'built' and schema_name = ? and table_name = ?",
                [schema, model],
            ).fetchall()
            types = ", ".join(f'"{name}" {data_type}' for name, data_type in columns)
            self._connection.execute(f"create table {relation} ({types})")
            self._empty.add(model)
        self._connection.execute(f"delete from {relation}")
        columns = list(dict.fromkeys(name for row in rows for name in row))
        if columns:
            names = ", ".join(f'"{name}"' for name in columns)
            marks = ", ".join("(" + ", ".join("?" for _ in columns) + ")" for _ in rows)
            values = [row.get(name) for row in rows for name in columns]
            self._connection.execute(f"insert into {relation} ({names}) values {marks}", values)

    def _row(self, query: str, *parameters: Any) -> tuple[Any, ...]:
        row = self._connection.execute(query, list(parameters)).fetchone()
        assert row is not None
        return row


def unit_tests(root: Path, rule: Rule) -> list[UnitTest]:
    """A rule's unit tests; those that override macros or variables compile to another query."""
    content = _content(root / rule.yml_file)
    return [
        UnitTest(
            test["name"],
            {item["input"].split("'")[1]: _rows(item) for item in test["given"]},
            _rows(test["expect"]),
        )
        for test in content["unit_tests"]
        if test["model"] == rule.name and "overrides" not in test
    ]


def feature_unit_tests(root: Path, sql_file: Path) -> list[UnitTest]:
    """A feature's unit tests, of daily runs and of full ones."""
    return [
        UnitTest(
            test["name"],
            {_relation(item["input"], sql_file.stem): _rows(item) for item in test["given"]},
            _rows(test["expect"]),
        )
        for yml_file in sorted((root / sql_file).parent.glob("*.yml"))
        for test in _content(yml_file).get("unit_tests", [])
        if test["model"] == sql_file.stem
    ]


def _relation(given: str, model: str) -> str:
    """The relation that a unit test gives rows of: ref('one'), or this, the model's own table."""
    return model if given == "this" else given.split("'")[1]


def overriding_tests(root: Path, rule: Rule) -> list[str]:
    """Names of a rule's unit tests that override macros or variables."""
    content = _content(root / rule.yml_file)
    return [
        test["name"]
        for test in content["unit_tests"]
        if test["model"] == rule.name and "overrides" in test
    ]


def moved(tests: list[UnitTest], rule_id: str, parameter: str, step: float) -> list[UnitTest]:
    """The same tests where this threshold is so much higher."""
    return [
        UnitTest(
            test.name,
            {
                **test.given,
                "rule_thresholds": [
                    row
                    if (row["rule_id"], row["parameter"]) != (rule_id, parameter)
                    else {**row, "threshold": float(row["threshold"]) + step}
                    for row in test.given["rule_thresholds"]
                ],
            },
            test.expected,
        )
        for test in tests
        if "rule_thresholds" in test.given
    ]


@cache
def _content(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content


def _rows(item: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of an input or an expectation, whether they are written as mappings, csv or SQL."""
    if item.get("format") == "sql":
        with duckdb.connect() as connection:
            result = connection.execute(item["rows"])
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    if item.get("format") == "csv":
        rows = csv.DictReader(io.StringIO(item["rows"]))
        return [{name: value or None for name, value in row.items()} for row in rows]
    return list(item["rows"] or [])


def _value(value: Any) -> Any:
    """A value so that the same thing from yml and from DuckDB is equal."""
    if isinstance(value, bool) or value is None:
        return value
    if value in ("true", "false"):
        return value == "true"
    try:
        return round(float(value), 9)
    except (TypeError, ValueError):
        return str(value)


def _predicates(node: Any) -> Iterator[tuple[Node, int]]:
    """Every part of a condition that can be left out, as where it stands and its place there."""
    if isinstance(node, list):
        for each in node:
            yield from _predicates(each)
    if not isinstance(node, dict):
        return
    condition = node.get("where_clause")
    if condition is not None and condition.get("class") != "CONJUNCTION":
        # the whole condition of a threshold's own subquery is not the rule's
        if "rule_thresholds" not in json.dumps(node.get("from_table", {})):
            yield node, 0
    elif condition is not None and "rule_thresholds" not in json.dumps(node.get("from_table", {})):
        yield from _parts(condition)
    for name, each in node.items():
        if name != "where_clause":
            yield from _predicates(each)


def _parts(condition: Node) -> Iterator[tuple[Node, int]]:
    for place, child in enumerate(condition["children"]):
        yield condition, place
        if child.get("class") == "CONJUNCTION":
            yield from _parts(child)
