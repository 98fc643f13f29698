"""Great Expectations over the warehouse: expectations in YAML, run inside the database.

Great Expectations closes its connection before it fetches from DuckDB (great_expectations issue
11579). It keeps it open for the dialects in `_PERSISTED_CONNECTION_DIALECTS`, so DuckDB is
added to them here; `_keep_duckdb_connections_open` fails loudly when that list changes its shape.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import yaml

from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect

EXPECTATIONS = project_root() / "tests" / "expectations"


class _Dialect(str, Enum):  # noqa: UP042  Great Expectations compares it with plain text
    DUCKDB = "duckdb"


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one expectation: what was expected, whether it held, and what was seen."""

    suite: str
    relation: str
    expectation: str
    column: str | None
    success: bool
    observed: str
    note: str

    @property
    def sentence(self) -> str:
        """What a person needs to know about a failed expectation."""
        where = f"{self.relation}.{self.column}" if self.column else self.relation
        return f"{where}: {self.note} ({self.observed})"


def relations(suite: str) -> list[str]:
    """Return the relations (schema.table) that a suite has expectations for."""
    return list(_read(suite))


def check(home: Home, suite: str, relation: str) -> list[CheckResult]:
    """Run the expectations that `tests/expectations/<suite>.yml` names for a relation.

    The entry's `rows` says what of the relation is looked at, such as only what is new, and its
    `origin`, if any, names the column that tells from which file a row came.
    Without a row to look at every expectation holds, and there is no result.
    Raises KeyError when the suite has no such relation.
    """
    declared = _read(suite)[relation]
    with connect(home) as connection:
        if connection.execute(f"from ({declared['rows']}) limit 1").fetchone() is None:
            return []
    # its import takes longer than all checks of a day
    import great_expectations as gx

    expectations = declared["expectations"]
    with _batch(home, declared["rows"]) as batch:
        gx_suite = gx.ExpectationSuite(
            name=suite, expectations=[_expectation(entry) for entry in expectations]
        )
        origin = [declared["origin"]] if "origin" in declared else []
        outcome = batch.validate(
            gx_suite,
            result_format={"result_format": "SUMMARY", "unexpected_index_column_names": origin},
        )
    notes = {_identity(entry): entry["note"] for entry in expectations}
    results = []
    for result in outcome.results:
        config = result.expectation_config
        raised = (result.exception_info or {}).get("raised_exception")
        observed = _observed(result.result, origin) if not raised else str(result.exception_info)
        results.append(
            CheckResult(
                suite=suite,
                relation=relation,
                expectation=config.type,
                column=config.kwargs.get("column"),
                success=bool(result.success),
                observed=observed,
                note=notes[(config.type, config.kwargs.get("column"))],
            )
        )
    return results


def _read(suite: str) -> dict[str, Any]:
    """Read a suite's file: relation -> rows (a query) and expectations."""
    text = (EXPECTATIONS / f"{suite}.yml").read_text(encoding="utf-8")
    suites: dict[str, Any] = yaml.safe_load(text)
    return suites


def _expectation(entry: dict[str, Any]) -> Any:
    """Build an expectation from its entry: type, note, and the arguments it takes."""
    kwargs = {name: value for name, value in entry.items() if name not in ("type", "note")}
    from great_expectations.expectations import core

    return core.__dict__[_class_name(entry["type"])](**kwargs)


def _class_name(expectation_type: str) -> str:
    return "".join(word.capitalize() for word in expectation_type.split("_"))


def _identity(entry: dict[str, Any]) -> tuple[str, str | None]:
    return entry["type"], entry.get("column")


def _observed(result: dict[str, Any], origin: list[str]) -> str:
    """Say in a few words what was seen."""
    if "observed_value" in result:
        return f"seen: {result['observed_value']}"
    count = result.get("unexpected_count") or 0
    examples = ", ".join(str(value) for value in result.get("partial_unexpected_list", [])[:3])
    broken = result.get("partial_unexpected_index_list") or []
    files = sorted({str(row[column]) for row in broken for column in origin})
    return (
        ("1 row breaks it" if count == 1 else f"{count} rows break it")
        + (f", such as {examples}" if examples else "")
        + (f", in {', '.join(files[:3])}" if files else "")
    )


@contextmanager
def _batch(home: Home, query: str) -> Iterator[Any]:
    """Give a Great Expectations batch over a query, and let go of the warehouse afterwards."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    _keep_duckdb_connections_open()
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_sql(
        name="warehouse", connection_string=f"duckdb:///{home.warehouse}"
    )
    try:
        asset = source.add_query_asset(name="rows", query=query)
        yield asset.add_batch_definition_whole_table("all").get_batch()
    finally:
        # the connection it kept open holds the warehouse's lock, and so does every pool
        execution_engine = source.get_execution_engine()
        if execution_engine._connection is not None:
            execution_engine._connection.close()
        execution_engine.engine.dispose()
        source.get_engine().dispose()


def _keep_duckdb_connections_open() -> None:
    """Add DuckDB to the dialects whose connection Great Expectations keeps open."""
    from great_expectations.execution_engine import sqlalchemy_execution_engine

    dialects = sqlalchemy_execution_engine._PERSISTED_CONNECTION_DIALECTS
    if not isinstance(dialects, tuple) or not all(isinstance(entry, Enum) for entry in dialects):
        raise RuntimeError(
            "great_expectations has changed _PERSISTED_CONNECTION_DIALECTS; "
            "see whether issue 11579 is fixed and this function can go"
        )
    if _Dialect.DUCKDB not in dialects:
        sqlalchemy_execution_engine._PERSISTED_CONNECTION_DIALECTS = (*dialects, _Dialect.DUCKDB)  # type: ignore[assignment]
