"""A year of the demo company whose behaviour changes in August, run month by month.

Until July in one run, then a run at the end of each month, with promotion by comparison. What is
measured, against the truth: how well each month is ordered by the tree that was champion on its
days, and by the champion of July had nobody trained again. Misuse of some kinds ends on 1 August
and of others begins, and prices rise (demo_company/misuse.py).
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import numpy as np
import pyarrow as pa
from sklearn.metrics import average_precision_score

import detectors
from orchestration.benchmark.measuring import BenchmarkResult
from orchestration.benchmark.quality.demo_runs import run_until
from orchestration.demo_company.land import land_demo
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.rows import named_rows
from orchestration.engine.warehouse import connect

EMPLOYEES = 800
SEED = 7
CHANGE_ON = date(2025, 8, 1)
LAST_DAY = date(2025, 12, 31)
ENDS_OF_RUNS = (
    date(2025, 7, 31),
    date(2025, 8, 31),
    date(2025, 9, 30),
    date(2025, 10, 31),
    date(2025, 11, 30),
    LAST_DAY,
)
TREE = "gradient_boosted_tree"


@dataclass(frozen=True)
class Month:
    """A month: average precision of the champions of its days and of July's, and drift.

    `drifted_features` is the share that moved away from the champion's training period,
    `amount_psi` the largest PSI of a week's amounts against the four weeks before.
    """

    month: date
    misuse: int
    champion: float | None
    champion_of_july: float | None
    drifted_features: float | None
    amount_psi: float | None


@dataclass(frozen=True)
class YearResult(BenchmarkResult):
    """The months, and what happened to versions when."""

    transactions: int
    employees: int
    seed: int
    months: tuple[Month, ...]
    versions: tuple[dict[str, Any], ...]
    requests: tuple[dict[str, Any], ...]


def run_year(home: Home, picture: Path | None, keep: bool = False) -> YearResult:
    """Run the year in a folder of the home, removed afterwards unless it is to be kept."""
    year = Home(home.root / "benchmark" / "year")
    shutil.rmtree(year.root, ignore_errors=True)
    year.create()
    summary, _ = land_demo(
        year, employees=EMPLOYEES, months=12, last_day=LAST_DAY, seed=SEED, change_on=CHANGE_ON
    )
    for until in ENDS_OF_RUNS:
        run_until(year, until)
        report(f"year: run until {until}")
    with connect(year, read_only=True) as connection:
        result = YearResult(
            summary.transactions,
            EMPLOYEES,
            SEED,
            tuple(_months(connection, year)),
            tuple(
                named_rows(
                    connection,
                    """
                    select version, fitted_on, fitted_because, stage, verdict, verdict_reason,
                        champion_from
                    from marts.model_versions
                    where detector = 'gradient_boosted_tree'
                    order by fitted_on
                    """,
                )
            ),
            tuple(
                named_rows(
                    connection,
                    "select detector, requested_on, reason from ledger.retrain_requests"
                    " order by all",
                )
            ),
        )
    if picture:
        draw(result, picture)
    if not keep:
        shutil.rmtree(year.root)
    return result


def _months(connection: duckdb.DuckDBPyConnection, home: Home) -> Iterator[Month]:
    """Every month in which a tree scored."""
    frozen = _champion_of_july(connection)
    drift = {
        month: (drifted, amount_psi)
        for month, drifted, amount_psi in connection.execute(
            """
            select
                date_trunc('month', week)::date,
                avg((is_drifted and psi >= 0.1)::integer) filter (where comparison = 'training'),
                max(psi) filter (where comparison = 'previous' and feature = 'amount')
            from monitoring.feature_drift
            group by 1
            """
        ).fetchall()
    }
    connection.register("frozen", frozen)
    rows = connection.execute(
        """
        select
            date_trunc('month', scores.transaction_date)::date as month,
            scores.tree_probability as champion,
            frozen.probability as frozen,
            misuse.kind is not null as is_misuse
        from ledger.scores as scores
        left join frozen on scores.transaction_id = frozen.transaction_id
        left join read_parquet($1) as misuse on scores.transaction_id = misuse.transaction_id
        where scores.tree_probability is not null
        """,
        [str(home.truth / "misuse.parquet")],
    ).fetchnumpy()
    for month in np.unique(rows["month"]):
        inside = rows["month"] == month
        truth = rows["is_misuse"][inside]
        day = month.astype("datetime64[D]").astype(object)
        yield Month(
            month=day,
            misuse=int(truth.sum()),
            champion=_precision(truth, rows["champion"][inside]),
            champion_of_july=_precision(truth, rows["frozen"][inside]),
            drifted_features=drift.get(day, (None, None))[0],
            amount_psi=drift.get(day, (None, None))[1],
        )


def _precision(truth: Any, scores: Any) -> float | None:
    known = ~np.ma.getmaskarray(scores)
    if known.sum() < truth.size or not truth.any():
        return None
    return float(average_precision_score(truth, np.ma.getdata(scores)))


def _champion_of_july(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """What the tree that was champion at the end of July says of all later purchases."""
    artefact = connection.execute(
        """
        select versions.* exclude (issue_id)
        from ledger.detector_versions as versions
        inner join ledger.model_promotions as promotions using (detector, version)
        where detector = 'gradient_boosted_tree' and promotions.champion_from < $1
        order by promotions.champion_from desc
        limit 1
        """,
        [CHANGE_ON],
    ).to_arrow_table()
    if artefact.num_rows == 0:
        raise CardwatchError("no tree was champion by the end of July; too few labels")
    catalogue = connection.execute("from detectors.detector_features").to_arrow_table()
    columns = ", ".join(detectors.input_columns(TREE, catalogue))
    batches = connection.execute(
        f"select {columns} from detectors.tree_inputs where transaction_date >= ?",  # noqa: S608
        [CHANGE_ON],
    ).to_arrow_reader(100_000)
    return pa.Table.from_batches(
        detectors.score(TREE, artefacts=artefact, batches=batches), detectors.SCORE_SCHEMA
    ).select(["transaction_id", "probability"])


def describe(result: YearResult) -> str:
    """The result as a page for a terminal."""
    lines = [
        f"{result.transactions:,} transactions of {result.employees:,} employees, seed "
        f"{result.seed}; behaviour changes on {CHANGE_ON}",
        "",
        f"{'month':<9}{'misuse':>8}{'champion':>10}{'of July':>10}{'features drifted':>18}"
        f"{'PSI of amounts':>16}",
    ]
    for month in result.months:
        lines.append(
            f"{month.month:%Y-%m}  {month.misuse:>8}{_shown(month.champion):>10}"
            f"{_shown(month.champion_of_july):>10}{_shown(month.drifted_features, '.0%'):>18}"
            f"{_shown(month.amount_psi):>16}"
        )
    lines += ["", "versions of the tree:"]
    for version in result.versions:
        scores = f"scores from {version['champion_from']}" if version["champion_from"] else ""
        lines.append(
            f"  {version['fitted_on']}  {version['verdict']:<11} {scores:<24} "
            f"{version['verdict_reason']}"
        )
    lines += ["", "asked for by the monitoring:"]
    lines += [f"  {row['requested_on']}  {row['detector']}" for row in result.requests]
    return "\n".join(lines)


def _shown(value: float | None, kind: str = ".3f") -> str:
    return "" if value is None else format(value, kind)


def draw(result: YearResult, file: Path) -> None:
    """Average precision by month of the champions and of July's, promotions, and drift below."""
    months = [f"{month.month:%Y-%m}" for month in result.months]
    axis = alt.X("month:O", title=None, sort=months, axis=alt.Axis(labelAngle=0))
    upper = alt.layer(_promotions(result, axis), _quality(result, axis)).properties(
        width=520,
        height=230,
        title=alt.Title(
            "Behaviour changes in August; a new champion recovers what the old one lost",
            subtitle=[
                "Average precision of the tree by month; dashed lines: a version is promoted.",
                "Below: the amounts of the oddest week against the four weeks before.",
            ],
            anchor="start",
        ),
    )
    picture = (
        alt.vconcat(upper, _drift(result, axis), spacing=12)
        .configure_view(stroke=None)
        .configure_axis(labelColor=_INK, titleColor=_INK, gridColor="#e9e9ee")
        .properties(padding=20, background="white")
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(str(file), scale_factor=2)


_OURS, _OTHER, _INK = "#c8553d", "#8d99ae", "#2b2d42"


def _quality(result: YearResult, axis: alt.X) -> alt.Chart:
    """Lines of average precision."""
    names = ("the champion of each day", "the champion of July, never trained again")
    values = [
        {"month": f"{month.month:%Y-%m}", "average precision": value, "who": who}
        for month in result.months
        for who, value in zip(names, (month.champion, month.champion_of_july), strict=True)
        if value is not None
    ]
    colour = alt.Color(
        "who:N",
        title=None,
        sort=list(names),
        scale=alt.Scale(domain=list(names), range=[_OURS, _OTHER]),
        legend=alt.Legend(orient="top", labelLimit=320),
    )
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_line(point=True, strokeWidth=2.5)
        .encode(x=axis, y=alt.Y("average precision:Q", scale=alt.Scale(zero=True)), color=colour)
    )
    return chart


def _promotions(result: YearResult, axis: alt.X) -> alt.Chart:
    """A dashed line at the month of each promotion."""
    values = [
        {"month": f"{version['champion_from']:%Y-%m}"}
        for version in result.versions
        if version["champion_from"]
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_rule(color=_INK, strokeDash=[3, 3], opacity=0.5)
        .encode(x=axis)
    )
    return chart


def _drift(result: YearResult, axis: alt.X) -> alt.Chart:
    """Bars of how far the amounts of the oddest week of each month moved."""
    values = [
        {"month": f"{month.month:%Y-%m}", "drifted": month.amount_psi or 0.0}
        for month in result.months
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar(color=_OTHER)
        .encode(x=axis, y=alt.Y("drifted:Q", title="PSI of amounts"))
        .properties(width=520, height=90)
    )
    return chart
