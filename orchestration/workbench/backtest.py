"""What a rule finds now and what it would find with a change, over all history.

The change is what the files say that the warehouse does not know yet (the rule's SQL, its rows in
seeds/rule_thresholds.csv), and on top of it whatever is given by name. Nothing is written. The
queries are in macros/rules/backtest.sql.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import yaml

from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect
from orchestration.settings.thresholds import is_within, read_thresholds

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

    The rows are those of the queries of the same names: counts of hits, amounts in the currency of
    the purchases, precision as a share with the limits of its 95 % Wilson interval (null where
    nothing was reviewed), review hours.
    """

    rule_id: str
    change: str
    thresholds: dict[str, tuple[float | None, float | None]]
    totals: Rows
    by_month: Rows
    by_department: Rows
    overlap: Rows
    examples: Rows

    def as_json(self) -> dict[str, Any]:
        """The backtest as one object for machines."""
        return asdict(self)


def run_backtest(
    home: Home, rule_id: str, settings: Sequence[str] = (), since: date | None = None
) -> Backtest:
    """Compare a rule as the warehouse has it with the rule as it would be.

    `settings` are thresholds as name=value. Raises CardwatchError with one sentence when there is
    no such rule or threshold, or when the rule cannot be run.
    """
    file = _rule_file(rule_id)
    thresholds = {
        threshold.parameter: threshold
        for threshold in read_thresholds(project_root())
        if threshold.rule_id == rule_id
    }
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
        connection.execute(
            "create temp table changed_thresholds as"
            " select rule_id, parameter, threshold from seeds.rule_thresholds where rule_id <> ?",
            [rule_id],
        )
        for parameter, value in changed.items():
            connection.execute(
                "insert into changed_thresholds values (?, ?, ?)", [rule_id, parameter, value]
            )
        queries = _queries(connection)
        _check_built_reaches(connection, queries, rule_id, changed)
        hits = queries.backtest_hits(
            now or _NOTHING, _with_changed_thresholds(connection, sql), since or date.min
        )
        _execute_rule(connection, file, hits)
        _check_one_row_a_subject(connection, file)

        def rows(query: str) -> Rows:
            result = connection.execute(query)
            names = [column[0] for column in result.description]
            return tuple(dict(zip(names, row, strict=True)) for row in result.fetchall())

        return Backtest(
            rule_id=rule_id,
            change=_describe_change(known is not None, sql is not now, in_warehouse, changed),
            thresholds={
                parameter: (in_warehouse.get(parameter), value)
                for parameter, value in changed.items()
            },
            totals=rows(queries.backtest_totals(_variable("review_minutes"))),
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


def _check_built_reaches(
    connection: duckdb.DuckDBPyConnection,
    queries: Any,
    rule_id: str,
    changed: Mapping[str, float],
) -> None:
    """Refuse a threshold beyond the reach that a table of the warehouse was built with."""
    built = connection.execute(queries.backtest_built_reaches(rule_id)).fetchall()
    for parameter, reach, table in built:
        if parameter in changed and not is_within(changed[parameter], reach):
            raise CardwatchError(
                f"rule {rule_id} cannot look for {parameter} = {changed[parameter]:g} yet: {table} "
                f"was built to reach {reach}; run `cardwatch run` first, which builds it anew"
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
            " where table_schema not in ('ledger', 'raw')"
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


def _variable(name: str) -> float:
    """A variable of the dbt project."""
    text = (project_root() / "dbt_project.yml").read_text(encoding="utf-8")
    return float(yaml.safe_load(text)["vars"][name])


def _describe_change(
    known: bool,
    sql_changed: bool,
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> str:
    """What is compared, in words."""
    if not known:
        return "the rule is new"
    parts = ["its SQL"] if sql_changed else []
    parts += [
        f"{parameter} {before[parameter]:g} -> {value:g}"
        if parameter in before
        else f"{parameter} {value:g}, new"
        for parameter, value in after.items()
        if before.get(parameter) != value
    ]
    return ", ".join(parts) or "nothing is changed"


# --- the answer -----------------------------------------------------------------------------------


def describe(backtest: Backtest) -> str:
    """The backtest as a page for a terminal."""
    lines = [f"{backtest.rule_id}: {backtest.change}", "", *_total_lines(backtest.totals)]
    for title, rows, name in (
        ("by month", backtest.by_month, "month"),
        ("by department", backtest.by_department, "department_id"),
        ("shared with", backtest.overlap, "filter"),
    ):
        if rows:
            lines += ["", f"{title:<44}{'now':>9}{'changed':>9}{'gained':>9}{'lost':>9}"]
            lines += [
                f"{str(row[name])[:44]:<44}{row['now']:>9,}{row['with_the_change']:>9,}"
                f"{row['gained']:>9,}{row['lost']:>9,}"
                for row in rows
            ]
    for change in ("gained", "lost", "kept"):
        if examples := [row for row in backtest.examples if row["change"] == change]:
            lines += ["", f"examples, {change}"]
            lines += [
                f"  {row['occurred_at']:%Y-%m-%d %H:%M}  {row['subject_id']}  "
                f"{_number(row['amount'])} {row['currency'] or ''}  "
                f"{_number(row['observed_value'])} against {_number(row['threshold_value'])}  "
                f"{row['reviewed']}  {row['evidence']}"
                for row in examples
            ]
    return "\n".join(lines)


def _total_lines(totals: Rows) -> list[str]:
    lines = [
        f"{'':<18}{'hits':>10}{'amount':>22}{'reviewed':>10}{'misuse':>8}  "
        f"{'precision (95 %)':<22}{'review hours':>12}"
    ]
    for row in totals:
        precision = "unknown"
        if row["precision"] is not None:
            precision = (
                f"{row['precision']:.0%} ({row['precision_from']:.0%} to {row['precision_to']:.0%})"
            )
        lines.append(
            f"{row['side']:<18}{row['hits']:>10,}"
            f"{_number(row['amount']) + ' ' + (row['currency'] or ''):>22}"
            f"{row['reviewed']:>10,}{row['misuse']:>8,}  {precision:<22}"
            f"{row['review_hours']:>12,.1f}"
        )
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def draw(backtest: Backtest, file: Path) -> None:
    """Draw hits by month, now and with the change; the file's ending says PNG or SVG."""
    import altair as alt

    if file.suffix not in (".png", ".svg"):
        raise CardwatchError(f"{file} is neither a .png nor a .svg file; choose one of these")
    rows = [
        {"month": row["month"][:7], "hits": row[key], "side": side}
        for row in backtest.by_month
        for key, side in (("now", "now"), ("with_the_change", "with the change"))
    ]
    chart = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("month:O", title=None, axis=alt.Axis(labelAngle=-40)),
            xOffset=alt.XOffset("side:N", sort=["now", "with the change"]),
            y=alt.Y("hits:Q", title="hits"),
            color=alt.Color(
                "side:N",
                title=None,
                sort=["now", "with the change"],
                scale=alt.Scale(range=["#8d99ae", "#c8553d"]),
                legend=alt.Legend(orient="top"),
            ),
        )
        .properties(
            title=alt.Title(
                f"{backtest.rule_id}: hits by month", subtitle=backtest.change, anchor="start"
            ),
            width=max(320, 34 * len(backtest.by_month)),
            height=240,
            padding=20,
            background="white",
        )
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    chart.save(str(file), scale_factor=2)
