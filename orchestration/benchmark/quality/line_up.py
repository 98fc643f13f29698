"""The detectors side by side: what each finds, what the combination adds, what they cost.

1. On the handbook's transactions, without labels: the split of its chapter on unsupervised
   learning (train 11 to 17 July, test 25 to 31 July) and its single split.
2. Cost on the same vectors: fitting on ten million rows, scoring by record batches, memory.
"""

import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

import detectors
from orchestration.benchmark.measuring import Bar, BenchmarkResult, Machine
from orchestration.benchmark.quality.handbook import SINGLE_SPLIT, built_features
from orchestration.benchmark.quality.handbook_weeks import (
    Measures,
    ScoredWeek,
    fit_and_score,
    fit_parameters,
)
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

_PACKAGES = ("duckdb", "numpy", "scikit-learn", "lightgbm")

#: What stands beside the detectors: their tails together, in words.
_COMBINATIONS = {
    "anomaly_score": "anomaly score",
    "tails_median": "median of the tails",
    "tails_upper_half": "mean of the upper half",
    "tails_maximum": "maximum of the tails",
}


@dataclass(frozen=True)
class Cost:
    """What a detector takes: fitting (of so many rows, sampled), and scoring a row."""

    fit_seconds: float
    fitted_rows: int
    score_microseconds: float


@dataclass(frozen=True)
class LineUpResult(BenchmarkResult):
    """What was measured on the handbook's data."""

    rows: int
    machine: Machine
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
        best = self.unsupervised["anomaly_score"]
        return [
            Bar(
                "average_precision",
                "average precision without labels",
                best.average_precision,
                least=PUBLISHED["average_precision"],
            ),
            Bar(
                "card_precision_100",
                "card precision@100 without labels",
                best.card_precision_100,
                least=PUBLISHED["card_precision_100"],
            ),
            Bar(
                "scored_a_second",
                "transactions scored a second, whole line-up",
                1e6 / score,
                least=20_000,
            ),
            Bar("fit_seconds", f"seconds to fit on {FIT_ROWS:,} rows", fit, most=300),
            Bar("fit_gigabytes", "gigabytes when fitting", self.fit_gigabytes, most=8),
        ]


def run_line_up(home: Home, data: Path) -> LineUpResult:
    """Measure every detector on the handbook's file, in a temporary home."""
    machine = Machine.here(_PACKAGES)
    seconds: dict[str, float] = {}
    with built_features(home, data, seconds) as (place, rows):
        parameters = {name: fit_parameters(place, name) for name in detectors.ALGORITHMS}
        with connect(place, read_only=True) as connection:
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
        "anomaly_score": tails.mean(axis=1),
        "tails_median": np.median(tails, axis=1),
        "tails_upper_half": ordered[:, tails.shape[1] // 2 :].mean(axis=1),
        "tails_maximum": ordered[:, -1],
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
    machine = result.machine
    lines = [
        f"{result.rows:,} transactions; {machine.cores} cores, load {machine.load_before:.1f} "
        f"before; {machine.versions_line()}",
        "",
    ]
    for title, found in (
        ("train 11 to 17 July 2018, test 25 to 31 July", result.unsupervised),
        ("train 25 to 31 July 2018, test 8 to 14 August", result.single),
    ):
        lines.append(f"{title:<46}{'AUC ROC':>9}{'avg. prec.':>12}{'CP@100':>9}")
        for name, measures in found.items():
            lines.append(
                f"  {_COMBINATIONS.get(name, name):<44}{measures.auc_roc:>9.3f}"
                f"{measures.average_precision:>12.3f}{measures.card_precision_100:>9.3f}"
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
