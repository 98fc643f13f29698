"""The detectors side by side: what each finds, what the combination adds, what they cost.

1. On the handbook's transactions, without labels: the split of its chapter on unsupervised
   learning (train 11 to 17 July, test 25 to 31 July) and its single split.
2. Cost on the same vectors: fitting on ten million rows, scoring by record batches, memory.
3. On a home with a run of the demo company: misuse found at a budget of 1 % of the purchases, by
   value, for rules alone, the tree alone, the company's own filters, and everything together.
"""

import json
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

import detectors
from orchestration.benchmark.quality.handbook import (
    SINGLE_SPLIT,
    Measures,
    ScoredWeek,
    built_features,
    fit_and_score,
    fit_parameters,
)
from orchestration.benchmark.quality.planted import RULES_OF_KIND
from orchestration.benchmark.speed.features import Bar
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect

UNSUPERVISED_SPLIT = date(2018, 7, 11)
#: An isolation forest of 100 trees on the handbook's features, and its autoencoder.
PUBLISHED = {"average_precision": 0.242, "card_precision_100": 0.217}

FIT_ROWS = 10_000_000
SCORED_ROWS = 400_000
BATCH_ROWS = 100_000
BUDGET_SHARE = 0.01

_PACKAGES = ("duckdb", "numpy", "scikit-learn", "lightgbm")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cost:
    """What a detector takes: fitting (of so many rows, sampled), and scoring a row."""

    fit_seconds: float
    fitted_rows: int
    score_microseconds: float


@dataclass(frozen=True)
class LineUpResult:
    """What was measured on the handbook's data."""

    rows: int
    machine: str
    unsupervised: dict[str, Measures]
    single: dict[str, Measures]
    costs: dict[str, Cost]
    sample_seconds: float
    fit_gigabytes: float
    score_gigabytes: dict[int, float]

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was; by the anomaly score, the mean of the tails."""
        score = sum(cost.score_microseconds for cost in self.costs.values())
        fit = self.sample_seconds + sum(cost.fit_seconds for cost in self.costs.values())
        best = self.unsupervised["anomaly score"]
        return [
            Bar(
                "average precision without labels",
                best.average_precision,
                least=PUBLISHED["average_precision"],
            ),
            Bar(
                "card precision@100 without labels",
                best.card_precision_100,
                least=PUBLISHED["card_precision_100"],
            ),
            Bar("transactions scored a second, whole line-up", 1e6 / score, least=20_000),
            Bar(f"seconds to fit on {FIT_ROWS:,} rows", fit, most=300),
            Bar("gigabytes when fitting", self.fit_gigabytes, most=8),
        ]

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines."""
        return {**asdict(self), "bars": [bar.as_json() for bar in self.bars()]}


def run_line_up(home: Home, data: Path) -> LineUpResult:
    """Measure every detector on the handbook's file, in a temporary home."""
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; " + ", ".join(
        f"{name} {version(name)}" for name in _PACKAGES
    )
    seconds: dict[str, float] = {}
    with built_features(home, data, seconds) as (workshop, rows):
        parameters = {name: fit_parameters(workshop, name) for name in detectors.ALGORITHMS}
        with connect(workshop, read_only=True) as connection:
            names = [name for name in detectors.ALGORITHMS if name != "gradient_boosted_tree"]
            splits = [
                _without_labels(connection, names, start, parameters, seconds)
                for start in (UNSUPERVISED_SPLIT, SINGLE_SPLIT)
            ]
            return LineUpResult(
                rows, machine, splits[0], splits[1], *_costs(connection, parameters)
            )


def _without_labels(
    connection: duckdb.DuckDBPyConnection,
    names: list[str],
    start: date,
    parameters: dict[str, dict[str, Any]],
    seconds: dict[str, float],
) -> dict[str, Measures]:
    """Every unsupervised detector and their combinations on one split."""
    weeks: dict[str, ScoredWeek] = {}
    for name in names:
        try:
            weeks[name] = fit_and_score(connection, name, start, parameters[name], seconds)
        except CardwatchError as error:
            report(f"detectors: {name} is left out: {error}")
    found = {name: week.measures() for name, week in weeks.items()}
    any_week = next(iter(weeks.values()))
    tails = np.column_stack([week.tails for week in weeks.values()])
    ordered = np.sort(tails, axis=1)
    combinations = {
        "anomaly score": tails.mean(axis=1),
        "median of the tails": np.median(tails, axis=1),
        "mean of the upper half": ordered[:, tails.shape[1] // 2 :].mean(axis=1),
        "maximum of the tails": ordered[:, -1],
    }
    found |= {name: any_week.measures(scores) for name, scores in combinations.items()}
    return found


def _costs(
    connection: duckdb.DuckDBPyConnection, parameters: dict[str, dict[str, Any]]
) -> tuple[dict[str, Cost], float, float, dict[int, float]]:
    """Fit on a sample of ten million rows, then score; seconds and gigabytes."""
    catalogue = connection.execute("from seeds.feature_catalog").to_arrow_table()
    started = time.monotonic()
    training = connection.execute(
        """
        with many as (
            select vectors.* replace (transaction_id || '-' || copy.copy as transaction_id),
                category as segment
            from features.feat_transaction as vectors
            cross join generate_series(1, 10) as copy (copy)
        ),
        numbered as (
            select * from many limit $1
        )
        select numbered.*, known.misuse, 1.0::double as weight
        from numbered
        left join (
            select transaction_id, misuse from labels.latest_decisions where is_latest
        ) as known on known.transaction_id = split_part(numbered.transaction_id, '-', 1)
        where
            ('0x' || substr(md5(numbered.transaction_id), 1, 8))::bigint / 4294967296.0
            < 200000.0 / $1
        """,
        [FIT_ROWS],
    ).to_arrow_table()
    sample_seconds = time.monotonic() - started
    report(f"detectors: sampled {training.num_rows:,} of {FIT_ROWS:,} rows")
    fitted, times = {}, {}
    until = date(2019, 1, 1)
    for name in detectors.ALGORITHMS:
        started = time.monotonic()
        fitted[name] = detectors.fit(
            name,
            features=catalogue,
            parameters=parameters[name],
            trained_until=until,
            training=training,
        )
        times[name] = time.monotonic() - started
        report(f"detectors: {name} fitted in {times[name]:.1f} s")
    fit_gigabytes = _peak_gigabytes()
    rows = training.num_rows
    del training
    costs, memory = {}, {}
    for share, limit in ((SCORED_ROWS // 4, "first"), (SCORED_ROWS, "then")):
        for name, artefact in fitted.items():
            took = _score(connection, name, catalogue, artefact, share)
            if limit == "then":
                costs[name] = Cost(times[name], rows, took / share * 1e6)
                report(f"detectors: {name} scores a row in {costs[name].score_microseconds:.1f} us")
        memory[share] = _peak_gigabytes()
    return costs, sample_seconds, fit_gigabytes, memory


def _score(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    catalogue: pa.Table,
    artefact: pa.Table,
    limit: int,
) -> float:
    """Seconds to score so many rows, read and scored as a stream."""
    columns = [
        "category as segment" if column == "segment" else column
        for column in detectors.input_columns(name, catalogue)
    ]
    columns[columns.index("transaction_date")] = "date '2019-01-01' as transaction_date"
    batches: Iterator[pa.RecordBatch] = connection.execute(
        f"select {', '.join(columns)} from features.feat_transaction limit {limit}"  # noqa: S608
    ).to_arrow_reader(BATCH_ROWS)
    started = time.monotonic()
    counted = sum(
        batch.num_rows for batch in detectors.score(name, artefacts=artefact, batches=batches)
    )
    if counted != limit:
        raise CardwatchError(f"only {counted:,} rows were there to be scored")
    return time.monotonic() - started


def _peak_gigabytes() -> float:
    """The most memory this process has held so far, in gigabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def describe(result: LineUpResult) -> str:
    """The result as a page for a terminal."""
    lines = [f"{result.rows:,} transactions; {result.machine}", ""]
    for title, found in (
        ("train 11 to 17 July 2018, test 25 to 31 July", result.unsupervised),
        ("train 25 to 31 July 2018, test 8 to 14 August", result.single),
    ):
        lines.append(f"{title:<46}{'AUC ROC':>9}{'avg. prec.':>12}{'CP@100':>9}")
        for name, measures in found.items():
            lines.append(
                f"  {name:<44}{measures.auc_roc:>9.3f}{measures.average_precision:>12.3f}"
                f"{measures.card_precision_100:>9.3f}"
            )
        lines.append("")
    lines.append(f"{'detector':<46}{'fit s':>9}{'us a row':>12}")
    for name, cost in result.costs.items():
        lines.append(f"  {name:<44}{cost.fit_seconds:>9.1f}{cost.score_microseconds:>12.1f}")
    memory = ", ".join(
        f"{rows:,} rows {peak:.2f} GB" for rows, peak in result.score_gigabytes.items()
    )
    lines += [
        f"  fitted on a sample of {FIT_ROWS:,} rows, drawn in {result.sample_seconds:.1f} s",
        f"  peak memory when scoring: {memory}",
        "",
        *map(str, result.bars()),
    ]
    return "\n".join(lines)


# --- the demo company -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What an order of the purchases finds at the budget: shares of the planted misuse."""

    value_share: float
    precision: float
    kinds: int
    kinds_without_rule: int


@dataclass(frozen=True)
class DemoResult:
    """What the ways to order the purchases of a demo company find at the same budget."""

    purchases: int
    first_day: date
    misuse: int
    budget: int
    found: dict[str, Found]

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        together = self.found["everything together, a case a seat"]

        def gain(*names: str) -> float:
            best = max(self.found[name].value_share for name in names)
            return together.value_share / best

        return [
            Bar("value found against rules or tree alone", gain("rules alone", "tree alone"), 1.25),
            Bar(
                "value found against the company's own filters",
                gain("company's rule filter", "company's tree filter"),
                1.25,
            ),
            Bar("kinds found that no rule names", together.kinds_without_rule, least=1),
        ]

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines."""
        return {**asdict(self), "bars": [bar.as_json() for bar in self.bars()]}


def run_demo(home: Home) -> DemoResult:
    """Compare ways to order the purchases of a finished run of the demo company."""
    if not (home.truth / "misuse.parquet").exists():
        raise CardwatchError(
            f"there is no truth in {home.truth}; run `cardwatch demo` and `cardwatch run` first"
        )
    with connect(home, read_only=True) as connection:
        tree = _tree_alone(connection)
        rows = connection.execute(
            """
            with filters as (
                select
                    transaction_id,
                    max(score) filter (where filter like 'rule%') as rule_filter,
                    max(score) filter (where filter like 'tree%') as tree_filter
                from staging.stg_external_hits
                group by transaction_id
            )
            select
                risk.transaction_date,
                risk.amount,
                risk.rule_risk,
                coalesce(tree.score, 0) as tree_alone,
                coalesce(parts.noisy_or_anomaly_risk, 0) as anomaly_risk,
                coalesce(risk.tree_probability, 0) as stacked_tree,
                risk.risk,
                concat_ws('|', risk.card_id, risk.merchant_id, risk.transaction_date) as case_id,
                coalesce(filters.rule_filter, 0) as rule_filter,
                coalesce(filters.tree_filter, 0) as tree_filter,
                misuse.kind
            from scoring.risk as risk
            inner join scoring.risk_parts as parts on risk.transaction_id = parts.transaction_id
            inner join tree on risk.transaction_id = tree.transaction_id
            left join filters on risk.transaction_id = filters.transaction_id
            left join read_parquet($1) as misuse on risk.transaction_id = misuse.transaction_id
            order by risk.transaction_id
            """,
            [str(home.truth / "misuse.parquet")],
        ).fetch_arrow_table()
    del tree
    amount = rows["amount"].to_numpy()
    kinds = np.array([kind or "" for kind in rows["kind"].to_pylist()])
    budget = int(BUDGET_SHARE * amount.size)
    orders = {
        "rules alone": "rule_risk",
        "tree alone": "tree_alone",
        "detectors without labels": "anomaly_risk",
        "tree that reads rules and tails": "stacked_tree",
        "company's rule filter": "rule_filter",
        "company's tree filter": "tree_filter",
        "everything together": "risk",
    }
    found = {
        name: _found(rows[column].to_numpy() * amount, amount, kinds, budget)
        for name, column in orders.items()
    }
    # an alert is a case, what a card pays at a merchant on a day: it takes one seat
    _, case = np.unique(np.array(rows["case_id"].to_pylist()), return_inverse=True)
    of_case = np.bincount(case, rows["risk"].to_numpy() * amount)
    seats = np.zeros(of_case.size, dtype=bool)
    seats[np.argsort(-of_case, kind="stable")[:budget]] = True
    members = np.where(seats[case], 1.0, 0.0)
    found["everything together, a case a seat"] = _found(members, amount, kinds, int(members.sum()))
    return DemoResult(
        purchases=amount.size,
        first_day=min(rows["transaction_date"].to_pylist()),
        misuse=int((kinds != "").sum()),
        budget=budget,
        found=found,
    )


def _tree_alone(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Scores of a tree that sees features only, fitted and promoted as the champions were."""
    catalogue = connection.execute("from seeds.feature_catalog").to_arrow_table()
    periods = connection.execute(
        """
        select champion_from, fitted_on, trained_from, trained_until, parameters
        from marts.model_versions
        where detector = 'gradient_boosted_tree' and champion_from is not null
        order by champion_from
        """
    ).fetchall()
    if not periods:
        raise CardwatchError("no tree was fitted in this home; it takes more labels")
    columns = ", ".join(detectors.input_columns("gradient_boosted_tree", catalogue))
    scored = []
    for position, (start, fitted_on, trained_from, trained_until, parameters) in enumerate(periods):
        until = periods[position + 1][0] if position + 1 < len(periods) else date.max
        training = connection.execute(
            f"""
            select {columns}, known.misuse,
                case
                    when known.misuse is not null then 1.0
                    when transaction_date >= $until - 30 then 0.0
                    else 0.3
                end::double as weight
            from detectors.detector_inputs
            left join (
                select transaction_id, misuse
                from labels.latest_decisions
                where known_from <= $until and known_until > $until
            ) as known using (transaction_id)
            where transaction_date >= $since and transaction_date < $before
            """,  # noqa: S608 - names of our own feature catalogue
            {"since": trained_from, "until": fitted_on, "before": trained_until},
        ).fetch_arrow_table()
        artefact = detectors.fit(
            "gradient_boosted_tree",
            features=catalogue,
            parameters=json.loads(parameters),
            trained_until=trained_until,
            training=training,
        )
        batches = connection.execute(
            f"select {columns} from detectors.detector_inputs"  # noqa: S608
            " where transaction_date >= ? and transaction_date < ?",
            [start, until],
        ).to_arrow_reader(BATCH_ROWS)
        scored += list(
            detectors.score(
                "gradient_boosted_tree", artefacts=_from(artefact, start), batches=batches
            )
        )
    tree = pa.Table.from_batches(scored).select(["transaction_id", "probability"])
    connection.register("tree", tree.rename_columns(["transaction_id", "score"]))
    return tree


def _from(artefact: pa.Table, start: date) -> pa.Table:
    """The artefact as champion from a day on."""
    [row] = artefact.to_pylist()
    hashed = row["version"].rpartition("-")[2]
    row |= {"fitted_on": start, "version": f"{row['detector']}-{start}-{hashed}"}
    return pa.Table.from_pylist([row], schema=artefact.schema)


def _found(order: Floats, amount: Floats, kinds: npt.NDArray[np.str_], budget: int) -> Found:
    """What lies in the first `budget` purchases of an order."""
    looked_at = np.argsort(-order, kind="stable")[:budget]
    looked_at = looked_at[order[looked_at] > 0]
    misused = kinds != ""
    hits = looked_at[misused[looked_at]]
    names = set(kinds[hits].tolist())
    return Found(
        value_share=float(amount[hits].sum() / amount[misused].sum()),
        precision=hits.size / budget,
        kinds=len(names),
        kinds_without_rule=len(names - set(RULES_OF_KIND)),
    )


def describe_demo(result: DemoResult) -> str:
    """The result as a page for a terminal."""
    lines = [
        f"{result.purchases:,} purchases from {result.first_day} on, {result.misuse:,} of them "
        f"misuse; {result.budget:,} are looked at, by score x amount",
        "",
        f"{'order':<34}{'value found':>12}{'precision':>11}{'kinds':>7}{'without a rule':>16}",
    ]
    for name, found in result.found.items():
        lines.append(
            f"{name:<34}{found.value_share:>12.1%}{found.precision:>11.1%}{found.kinds:>7}"
            f"{found.kinds_without_rule:>16}"
        )
    return "\n".join([*lines, "", *map(str, result.bars())])
