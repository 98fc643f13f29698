"""What a rule finds now and what it would find with a change, over all history.

The change is what the files say that the warehouse does not know yet (the rule's SQL, its rows in
seeds/rule_thresholds.csv), and on top of it whatever is given by name. Nothing is written. The
queries are in macros/rules/backtest.sql.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jinja2

from orchestration.engine.dbt_project import call_dbt, variable
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.rows import named_rows
from orchestration.engine.warehouse import connect
from orchestration.settings.thresholds import Threshold, is_within, read_thresholds

_RULES = Path("models/rules")
_QUERIES = [Path("macros/evaluation/wilson.sql"), Path("macros/rules/backtest.sql")]
#: What the warehouse finds by a rule that it does not know.
_NOTHING = """
    select
        null::varchar as subject_type,
        null::varchar as subject_id,
        null::varchar as transaction_id,
        null::timestamp as occurred_at,
        null::double as observed_value,
        null::double as threshold_value,
        null::varchar as evidence
    where false
"""

Rows = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Backtest:
    """A rule now and with a change; `thresholds` maps a parameter to its value now and changed.

    The value now is null where the warehouse does not know the threshold. `is_new`: it does not
    know the rule; `is_sql_changed`: the rule's file says something else than its view there.
    The rows are those of the queries of the same names: counts of hits, amounts in the currency of
    the purchases, precision as a share with the limits of its 95 % Wilson interval (null where
    nothing was reviewed), review hours.
    """

    rule_id: str
    is_new: bool
    is_sql_changed: bool
    thresholds: dict[str, tuple[float | None, float | None]]
    totals: Rows
    by_month: Rows
    by_department: Rows
    overlap: Rows
    examples: Rows

    def as_json(self) -> dict[str, Any]:
        """The backtest as one object for machines."""
        return {
            **asdict(self),
            "thresholds": {
                parameter: {"now": now, "with_the_change": changed}
                for parameter, (now, changed) in self.thresholds.items()
            },
            "examples": [{**row, "evidence": json.loads(row["evidence"])} for row in self.examples],
        }


def run_backtest(
    home: Home, rule_id: str, settings: Sequence[str] = (), since: date | None = None
) -> Backtest:
    """Compare a rule as the warehouse has it with the rule as it would be.

    `settings` are thresholds as name=value. Raises CardwatchError with one sentence when there is
    no such rule or threshold, when a threshold is beyond its reach, or when the rule cannot be run.
    """
    file = _rule_file(rule_id)
    thresholds = _thresholds_in_files(rule_id)
    in_files = {parameter: threshold.value for parameter, threshold in thresholds.items()}
    changed = in_files | _read_settings(rule_id, settings, in_files)
    for parameter, value in changed.items():
        thresholds[parameter].check(value)
    with connect(home, read_only=True) as connection:
        known = _known_rule(connection, rule_id)
        in_warehouse = _thresholds_in_warehouse(connection, rule_id)
        now = _view(connection, file.stem) if known else None
    # dbt opens the warehouse itself
    sql = now if now and known and _is_known_sql(file, *known) else _compiled(home, file)
    with connect(home, read_only=True) as connection:
        queries = _queries(connection)
        _check_built_reaches(connection, queries, thresholds, changed)
        _change_thresholds(connection, rule_id, changed)
        hits = queries.backtest_hits(
            now or _NOTHING, _with_changed_thresholds(connection, sql), since or date.min
        )
        _execute_rule(connection, file, hits)
        _check_one_row_a_subject(connection, file)

        def rows(query: str) -> Rows:
            return tuple(named_rows(connection, query))

        return Backtest(
            rule_id=rule_id,
            is_new=known is None,
            is_sql_changed=known is not None and sql is not now,
            thresholds={
                parameter: (in_warehouse.get(parameter), value)
                for parameter, value in changed.items()
            },
            totals=rows(queries.backtest_totals(variable("review_minutes"))),
            by_month=rows(queries.backtest_by("month")),
            by_department=rows(queries.backtest_by("department_id")),
            overlap=rows(queries.backtest_overlap(rule_id)),
            examples=rows(queries.backtest_examples()),
        )


# --- the rule and its thresholds ------------------------------------------------------------------


def _rule_file(rule_id: str) -> Path:
    """The SQL file of a rule, below the project's root."""
    files = {
        path.stem.removeprefix("rule_"): path
        for path in sorted((project_root() / _RULES).glob("*/rule_*.sql"))
    }
    for stem, path in files.items():
        if stem == rule_id or stem.startswith(f"{rule_id}_"):
            return path.relative_to(project_root())
    raise CardwatchError(
        f"there is no rule {rule_id!r} in {_RULES}; name one by its rule_id, like "
        f"{'_'.join(next(iter(files)).split('_')[:3])}"
    )


def _thresholds_in_files(rule_id: str) -> dict[str, Threshold]:
    """Threshold by parameter, as the seed's file has them."""
    return {
        threshold.parameter: threshold
        for threshold in read_thresholds(project_root())
        if threshold.rule_id == rule_id
    }


def _read_settings(
    rule_id: str, settings: Iterable[str], known: Mapping[str, float]
) -> dict[str, float]:
    """Thresholds given as name=value; each must be one that the rule has."""
    chosen = {}
    for setting in settings:
        name, separator, text = setting.partition("=")
        if name not in known:
            raise CardwatchError(
                f"rule {rule_id} has no threshold {name!r}; "
                + (f"it has {', '.join(known)}" if known else "it has none at all")
            )
        try:
            chosen[name] = float(text)
        except ValueError as error:
            raise CardwatchError(
                f"--set {setting} gives no number; write it like {name}={known[name]:g}"
            ) from error
        if not separator or chosen[name] != chosen[name] or abs(chosen[name]) == float("inf"):
            raise CardwatchError(f"--set {setting} gives no number; write {name}={known[name]:g}")
    return chosen


def _known_rule(
    connection: duckdb.DuckDBPyConnection, rule_id: str
) -> tuple[str, str | None] | None:
    """Version and thresholds under which the warehouse knows the rule; None where it does not."""
    try:
        return connection.execute(
            "select rule_version, thresholds from scoring.rule_catalog where rule_id = ?",
            [rule_id],
        ).fetchone()
    except duckdb.CatalogException as error:
        raise CardwatchError(
            "the warehouse has not been built yet; run `cardwatch run` first"
        ) from error


def _thresholds_in_warehouse(
    connection: duckdb.DuckDBPyConnection, rule_id: str
) -> dict[str, float]:
    rows = connection.execute(
        "select parameter, threshold from seeds.rule_thresholds where rule_id = ?", [rule_id]
    ).fetchall()
    return dict(rows)


def _is_known_sql(file: Path, version: str, thresholds: str | None) -> bool:
    """Whether the file is the SQL of the version in the catalogue (scoring/rule_catalog.sql)."""
    checksum = hashlib.sha256(
        (project_root() / file).read_text(encoding="utf-8").strip().encode()
    ).hexdigest()
    together = hashlib.md5((checksum + (thresholds or "")).encode(), usedforsecurity=False)
    return together.hexdigest()[:8] == version


def _view(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """The query of a rule's view in the warehouse."""
    row = connection.execute(
        "select sql from duckdb_views() where schema_name = 'rules' and view_name = ?", [name]
    ).fetchone()
    return row[0].partition(" AS ")[2].rstrip(";") if row else None


def _compiled(home: Home, file: Path) -> str:
    """The query of a rule's file, as dbt compiles it."""
    call_dbt(home, ["compile", "--select", file.stem], f"{file} cannot be compiled")
    compiled = home.dbt_target / "compiled" / "cardwatch" / file
    return compiled.read_text(encoding="utf-8")


def _with_changed_thresholds(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The same query, reading the changed thresholds."""
    row = connection.execute("select current_database()").fetchone()
    database = row[0] if row else ""
    for spelling in (
        f'"{database}"."seeds"."rule_thresholds"',
        f"{database}.seeds.rule_thresholds",
    ):
        sql = sql.replace(spelling, "changed_thresholds")
    return sql


def _change_thresholds(
    connection: duckdb.DuckDBPyConnection, rule_id: str, changed: Mapping[str, float]
) -> None:
    """Make the table that the changed rule reads in place of the seed."""
    connection.execute(
        "create temp table changed_thresholds as"
        " select rule_id, parameter, threshold from seeds.rule_thresholds where rule_id <> ?",
        [rule_id],
    )
    for parameter, value in changed.items():
        connection.execute(
            "insert into changed_thresholds values (?, ?, ?)", [rule_id, parameter, value]
        )


def _check_built_reaches(
    connection: duckdb.DuckDBPyConnection,
    queries: Any,
    thresholds: Mapping[str, Threshold],
    changed: Mapping[str, float],
) -> None:
    """Refuse a threshold beyond the reach that the tables of the warehouse were built with."""
    for parameter, threshold in thresholds.items():
        if not threshold.reach:
            continue
        name = f"rule {threshold.rule_id} cannot look for {parameter} = {changed[parameter]:g} yet"
        query = queries.backtest_built_reaches(threshold.rule_id, parameter)
        built = connection.execute(query).fetchall()
        if not built:
            raise CardwatchError(
                f"{name}: nobody knows how far the tables that it reads go, which are older than "
                "this version of Cardwatch; run `cardwatch run` first, which builds them anew"
            )
        for reach, table in built:
            if not is_within(changed[parameter], reach):
                raise CardwatchError(
                    f"{name}: {table} was built to reach {reach} {threshold.unit}; "
                    "run `cardwatch run` first, which builds it anew"
                )


def _execute_rule(connection: duckdb.DuckDBPyConnection, file: Path, hits: str) -> None:
    try:
        connection.execute(hits)
    except duckdb.Error as error:
        detail = str(error).partition("\n")[0].partition(": ")[2] or str(error)
        raise CardwatchError(
            f"{file} cannot be run on the warehouse ({detail}); correct the rule, or build what it "
            "reads with `cardwatch run` first"
        ) from error


def _check_one_row_a_subject(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    row = connection.execute(
        "select subject_id, count(*) from backtest_hits"
        " group by subject_type, subject_id having count(*) > 1 limit 1"
    ).fetchone()
    if row:
        raise CardwatchError(
            f"{file} returns {row[1]} rows for the subject {row[0]!r}; a rule names a subject once"
        )


def _queries(connection: duckdb.DuckDBPyConnection) -> Any:
    """The macros of the queries, with ref() and source() as the warehouse has the relations."""
    schemas = dict(
        connection.execute(
            "select table_name, table_schema from information_schema.tables"
            # a mart has the name of the model that it shows
            " where table_schema not in ('ledger', 'raw', 'marts')"
        ).fetchall()
    )
    # SQL, not HTML; `do` is dbt's
    environment = jinja2.Environment(  # noqa: S701
        undefined=jinja2.StrictUndefined, extensions=["jinja2.ext.do"]
    )
    text = "".join((project_root() / file).read_text(encoding="utf-8") for file in _QUERIES)
    template = environment.from_string(text)
    return template.make_module(
        {
            "ref": lambda name: f"{schemas[name]}.{name}",
            "source": lambda schema, name: f"{schema}.{name}",
        }
    )
