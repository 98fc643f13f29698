"""The protocol of the Fraud-Detection-Handbook, run with our own features and our own tree.

The handbook (Reproducible Machine Learning for Credit Card Fraud Detection) trains on a week,
leaves out the next, in which the labels of the first become known, and tests on the third. The
data land in a home of their own, the dbt models make the features, the `detectors` package fits
and scores: nothing but the splits and the measures is written for the benchmark. The detectors
without labels, whose tails the tree reads, learn from the week before its training week.
"""

import csv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import detectors
from detectors.validation import card_precision
from orchestration.benchmark.handbook_data import land_handbook
from orchestration.benchmark.measuring import BenchmarkResult, timed, workshop
from orchestration.benchmark.quality.handbook_weeks import (
    DETECTOR,
    WEEK,
    Measures,
    ScoredWeek,
    fit_and_score,
    fit_parameters,
    fit_unlabelled,
)
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file
from orchestration.engine.home import Home
from orchestration.engine.rows import one_row
from orchestration.engine.warehouse import connect

#: First training day of each fold; the handbook's single split is the fold of SINGLE_SPLIT.
FOLDS = tuple(date(2018, month, day) for month, day in ((8, 15), (8, 8), (8, 1), (7, 25)))
SINGLE_SPLIT = date(2018, 7, 25)

#: The published file, known by its number of rows, and what its single split must hold.
PUBLISHED_ROWS = 1_754_155
PUBLISHED_SINGLE_SPLIT = {
    "train_rows": 67_240,
    "train_frauds": 598,
    "test_rows": 58_264,
    "test_frauds": 385,
}

_BUILD_FEATURES = [
    *("build", "--select", "+feat_transaction", "+latest_decisions"),
    *("feature_catalog", "tree_signals", "--exclude-resource-type", "test", "unit_test"),
]


@dataclass(frozen=True)
class Fold:
    """What one fold held, what was reached on it, and the best that could have been."""

    train_start: date
    train_rows: int
    train_frauds: int
    test_rows: int
    test_frauds: int
    measures: Measures
    ceiling_card_precision_100: float


@dataclass(frozen=True)
class HandbookResult(BenchmarkResult):
    """Everything that a run of the benchmark found."""

    rows: int
    folds: tuple[Fold, ...]
    scores: Path
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def single_split(self) -> Fold:
        """The fold that is the handbook's single split."""
        return next(fold for fold in self.folds if fold.train_start == SINGLE_SPLIT)

    def across_folds(self) -> dict[str, tuple[float, float]]:
        """Mean and standard deviation of each measure over the folds, and of the ceiling."""
        values = [
            {**asdict(fold.measures), "ceiling": fold.ceiling_card_precision_100}
            for fold in self.folds
        ]
        return {
            name: (fmean(row[name] for row in values), pstdev(row[name] for row in values))
            for name in values[0]
        }

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines."""
        return {
            "rows": self.rows,
            "single_split": asdict(self.single_split),
            "four_folds": {
                name: {"mean": mean, "standard_deviation": deviation}
                for name, (mean, deviation) in self.across_folds().items()
            },
            "folds": [asdict(fold) for fold in self.folds],
            "published": published(),
            "scores": self.scores,
            "seconds": dict(self.seconds),
        }


def published() -> list[dict[str, Any]]:
    """The published figures, with None where none was published."""
    with (
        Path(__file__)
        .with_name("handbook_published.csv")
        .open(encoding="utf-8", newline="") as file
    ):
        rows = list(csv.DictReader(file))
    texts = ("split", "model", "source")
    return [
        {
            name: value if name in texts else float(value) if value else None
            for name, value in row.items()
        }
        for row in rows
    ]


def run_handbook(home: Home, data: Path, scores: Path | None = None) -> HandbookResult:
    """Run the protocol on a file and write the scores it judged.

    Everything but the scores is built in a temporary home inside the given one and removed
    afterwards. Raises CardwatchError with one sentence when the file cannot be measured on.
    """
    target = (scores or home.root / "benchmark" / "handbook_scores.parquet").absolute()
    _check_target(target, data)
    seconds: dict[str, float] = {}
    with built_features(home, data, seconds) as (place, rows):
        parameters = {name: fit_parameters(place, name) for name in detectors.ALGORITHMS}
        with connect(place, read_only=True) as connection:
            identifiers = _identifiers(connection, data)
            folds, judged = [], []
            for start in FOLDS:
                unlabelled = fit_unlabelled(connection, start, parameters, seconds)
                week = fit_and_score(
                    connection, DETECTOR, start, parameters[DETECTOR], seconds, unlabelled
                )
                fold, table = _judge_fold(week, identifiers)
                folds.append(fold)
                judged.append(table)
    _check_published(rows, folds)
    with whole_file(target) as unfinished:
        pq.write_table(pa.concat_tables(judged), unfinished)
    return HandbookResult(rows, tuple(folds), target, seconds)


@contextmanager
def built_features(home: Home, data: Path, seconds: dict[str, float]) -> Iterator[tuple[Home, int]]:
    """A temporary home in which the file has landed and its features are built, and its rows."""
    with workshop(home, "handbook") as place:
        with timed(seconds, "handbook", "landing"):
            rows = land_handbook(place, data).rows
        with timed(seconds, "handbook", "features"):
            call_dbt(place, _BUILD_FEATURES, "the features cannot be built")
        with connect(place, read_only=True) as connection:
            _require_days(connection)
        yield place, rows


# --- steps ----------------------------------------------------------------------------------------


def _check_target(target: Path, data: Path) -> None:
    """Refuse scores that would overwrite the data."""
    if target.is_dir():
        raise CardwatchError(f"--scores {target} is a folder; name a file to write")
    if target == data.absolute():
        raise CardwatchError(f"--scores {target} is the data itself; name another file")


def _require_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse data that do not cover the folds."""
    first, last = one_row(
        connection,
        "select min(transaction_date), max(transaction_date) from features.feat_transaction",
    )
    needed = (min(FOLDS), max(FOLDS) + 3 * WEEK - timedelta(days=1))
    if first > needed[0] or last < needed[1]:
        raise CardwatchError(
            f"the data run from {first} to {last}; the protocol needs {needed[0]} to {needed[1]}"
        )


def _identifiers(connection: duckdb.DuckDBPyConnection, data: Path) -> pa.Table:
    """Our transaction_id as `ours`, and the file's own value in the file's own type."""
    lines = connection.execute(
        "select _key as ours, transaction_id, _line as line"
        " from raw.handbook__transactions order by _line"
    ).to_arrow_table()
    if data.suffix.lower() == ".parquet":
        name = next(
            name for name in pq.read_schema(data).names if name.strip().lower() == "transaction_id"
        )
        original = pq.read_table(data, columns=[name])[name]
        lines = lines.set_column(1, "transaction_id", original.take(lines["line"].to_numpy() - 1))
    return lines.drop_columns("line")


def _judge_fold(week: ScoredWeek, identifiers: pa.Table) -> tuple[Fold, pa.Table]:
    """What a fold came to; also its scores as a table."""
    ceiling = card_precision(week.frauds, week.frauds.astype(np.float64), week.cards, week.days)
    fold = Fold(
        train_start=week.start,
        train_rows=week.training.num_rows,
        train_frauds=int(np.count_nonzero(week.training["misuse"])),
        test_rows=week.frauds.size,
        test_frauds=int(week.frauds.sum()),
        measures=week.measures(),
        ceiling_card_precision_100=ceiling,
    )
    table = pa.table(
        {
            "ours": week.identifiers,
            "fold": pa.array([week.start] * fold.test_rows, pa.date32()),
            "score": week.scores,
        }
    ).join(identifiers, "ours", join_type="inner")
    return fold, table.sort_by("ours").select(["transaction_id", "fold", "score"])


def _check_published(rows: int, folds: list[Fold]) -> None:
    """On the published file the single split must hold exactly what was published."""
    if rows != PUBLISHED_ROWS:
        return
    single = next(fold for fold in folds if fold.train_start == SINGLE_SPLIT)
    found = {name: getattr(single, name) for name in PUBLISHED_SINGLE_SPLIT}
    if found != PUBLISHED_SINGLE_SPLIT:
        raise CardwatchError(
            f"the single split holds {found} instead of {PUBLISHED_SINGLE_SPLIT}; "
            "the file is not the published one, or the protocol is not followed"
        )
