"""The protocol of the Fraud-Detection-Handbook, run with our own features and our own tree.

The handbook (Reproducible Machine Learning for Credit Card Fraud Detection) trains on a week,
leaves out the next, in which the labels of the first become known, and tests on the third. The
data land in a home of their own, the dbt models make the features, the `detectors` package fits
and scores: nothing but the splits and the measures is written for the benchmark. As in a
warehouse the tree also reads the tails of the detectors that need no labels; here they learn from
the week before its training week.
"""

import csv
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean, pstdev
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.metrics import average_precision_score, roc_auc_score

import detectors
from detectors.validation import card_precision
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.file import check_file
from orchestration.landing.folder import copy_to_landing
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.ledger.issue import prepare_ledger

DATA_VARIABLE = "CARDWATCH_HANDBOOK"
DETECTOR = "gradient_boosted_tree"

#: First training day of each fold; the handbook's single split is the fold of SINGLE_SPLIT.
FOLDS = tuple(date(2018, month, day) for month, day in ((8, 15), (8, 8), (8, 1), (7, 25)))
SINGLE_SPLIT = date(2018, 7, 25)
WEEK = timedelta(days=7)

#: The published file, known by its number of rows, and what its single split must hold.
PUBLISHED_ROWS = 1_754_155
PUBLISHED_SINGLE_SPLIT = {
    "train_rows": 67_240,
    "train_frauds": 598,
    "test_rows": 58_264,
    "test_frauds": 385,
}

_BUILD_FEATURES = [
    "build",
    "--select",
    "+feat_transaction",
    "feature_catalog",
    "tree_signals",
    "--exclude-resource-type",
    "test",
    "unit_test",
]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measures:
    """The handbook's three measures of a set of scores."""

    auc_roc: float
    average_precision: float
    card_precision_100: float


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
class HandbookResult:
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


def data_file(given: Path | None) -> Path:
    """The file to measure on: the one given, or the one that the environment names."""
    named = given or os.environ.get(DATA_VARIABLE)
    if not named:
        raise CardwatchError(
            "there is no data to measure on; pass the handbook's transactions as one file with "
            f"--data FILE, or name it in {DATA_VARIABLE}"
        )
    return Path(named).expanduser()


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
    _check(data, target)
    seconds: dict[str, float] = {}
    with built_features(home, data, seconds) as (workshop, rows):
        parameters = {name: fit_parameters(workshop, name) for name in detectors.ALGORITHMS}
        with connect(workshop, read_only=True) as connection:
            identifiers = _identifiers(connection, data)
            folds, judged = [], []
            for start in FOLDS:
                unlabelled = _fit_unlabelled(connection, start, parameters, seconds)
                week = fit_and_score(
                    connection, DETECTOR, start, parameters[DETECTOR], seconds, unlabelled
                )
                fold, table = _judge_fold(week, identifiers)
                folds.append(fold)
                judged.append(table)
    _check_published(rows, folds)
    _write(pa.concat_tables(judged), target)
    return HandbookResult(rows, tuple(folds), target, seconds)


@contextmanager
def built_features(home: Home, data: Path, seconds: dict[str, float]) -> Iterator[tuple[Home, int]]:
    """A temporary home in which the file has landed and its features are built, and its rows."""
    home.create()
    home.temporary.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home.temporary, prefix="handbook-") as folder:
        workshop = Home(Path(folder))
        with _timed(seconds, "landing"):
            rows = _land(workshop, data)
        with _timed(seconds, "features"):
            call_dbt(workshop, _BUILD_FEATURES, "the features cannot be built")
        with connect(workshop, read_only=True) as connection:
            _require_days(connection)
        yield workshop, rows


# --- measures -------------------------------------------------------------------------------------


def measure(frauds: Booleans, scores: Floats, cards: Integers, days: Integers) -> Measures:
    """All three measures of n scored transactions; arrays of shape (n,)."""
    return Measures(
        auc_roc=float(roc_auc_score(frauds, scores)),
        average_precision=float(average_precision_score(frauds, scores)),
        card_precision_100=card_precision(frauds, scores, cards, days),
    )


def still_judged(first_frauds: Integers, days: Integers) -> Booleans:
    """Which transactions of the test week are judged; arrays of shape (n,), days as numbers.

    A card leaves the test on the day its first fraud since training began is known: at the
    latest eight days after it, and from the first day of the test for one in training.
    `first_frauds` is the day of that first fraud, or beyond every day where there is none.
    """
    return first_frauds > days - 8


# --- steps ----------------------------------------------------------------------------------------


def _check(data: Path, target: Path) -> None:
    """Refuse a file without what the protocol needs, and scores that would overwrite it."""
    checked = check_file(data, find_feed(read_feeds(), "handbook", "transactions"))
    if "tx_fraud" not in checked.header:
        raise CardwatchError(f"{data} lacks TX_FRAUD, by which the scores are judged; add it")
    if target.is_dir():
        raise CardwatchError(f"--scores {target} is a folder; name a file to write")
    if target == data.absolute():
        raise CardwatchError(f"--scores {target} is the data itself; name another file")


def _land(workshop: Home, data: Path) -> int:
    """Land the file and load it; the number of its transactions."""
    feeds = read_feeds()
    copy_to_landing(workshop, [data], "handbook", "transactions")
    with connect(workshop) as connection:
        prepare_raw(connection, feeds)
        prepare_ledger(connection, workshop)
        (loaded,) = load_landed(connection, workshop, feeds)
        if loaded.rows_quarantined:
            line, reason = _row(
                connection, "select line, reason from raw.quarantine order by line limit 1"
            )
            raise CardwatchError(
                f"{loaded.rows_quarantined:,} rows of {data} cannot be read, "
                f"the first in line {line}: {reason}; correct the file"
            )
        unlabelled, repeated = _row(
            connection,
            """
            select count(*) filter (where tx_fraud is null or tx_fraud not in (0, 1)),
                count(*) - count(distinct transaction_id)
            from raw.handbook__transactions
            """,
        )
    if unlabelled:
        raise CardwatchError(f"TX_FRAUD is neither 0 nor 1 in {unlabelled:,} rows of {data}")
    if repeated:
        raise CardwatchError(f"{data} repeats TRANSACTION_ID in {repeated:,} rows")
    return loaded.rows_loaded


def fit_parameters(workshop: Home, detector: str) -> dict[str, Any]:
    """A detector's parameters as the dbt project has them."""
    manifest = json.loads((workshop.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    config = manifest["nodes"][f"model.cardwatch.{detector}__fit"]["config"]
    parameters: dict[str, Any] = config["parameters"]
    return parameters


def _require_days(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse data that do not cover the folds."""
    first, last = _row(
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
        "select transaction_id::varchar as ours, transaction_id, _line as line"
        " from raw.handbook__transactions order by _line"
    ).to_arrow_table()
    if data.suffix.lower() == ".parquet":
        name = next(
            name for name in pq.read_schema(data).names if name.strip().lower() == "transaction_id"
        )
        original = pq.read_table(data, columns=[name])[name]
        lines = lines.set_column(1, "transaction_id", original.take(lines["line"].to_numpy() - 1))
    return lines.drop_columns("line")


@dataclass(frozen=True)
class ScoredWeek:
    """A test week with a detector's scores; arrays of shape (n,) over the rows still judged."""

    start: date
    training: pa.Table
    identifiers: pa.Array
    frauds: Booleans
    scores: Floats
    tails: Floats
    cards: Integers
    days: Integers

    def measures(self, scores: Floats | None = None) -> Measures:
        """The measures of these or other scores of the week."""
        return measure(
            self.frauds, self.scores if scores is None else scores, self.cards, self.days
        )


def fit_and_score(
    connection: duckdb.DuckDBPyConnection,
    detector: str,
    start: date,
    parameters: dict[str, Any],
    seconds: dict[str, float],
    unlabelled: Mapping[str, pa.Table] | None = None,
) -> ScoredWeek:
    """Fit on one week and score the week after next; `unlabelled` are detectors whose tails count.

    They are artefacts by name, fitted on days before the training week.
    """
    test_start = start + 2 * WEEK
    catalogue = _catalogue(connection)
    columns = _columns(catalogue, detector, *(unlabelled or ()))
    training = _with_tails(_training(connection, start, columns), unlabelled)
    if unlabelled:
        signals = connection.execute("from seeds.tree_signals").to_arrow_table()
        known = pa.array([f"{name}_tail" for name in unlabelled])
        catalogue = pa.concat_tables(
            [catalogue, signals.filter(pc.is_in(signals["feature"], known))]
        )
    with _timed(seconds, f"fit {detector} {start}"):
        artefact = detectors.fit(
            detector,
            features=catalogue,
            parameters=parameters,
            trained_until=test_start,
            training=training,
        )
    if artefact["status"][0].as_py() != "fitted":
        raise CardwatchError(f"the week from {start} cannot be learned from: {artefact['note'][0]}")
    week = _with_tails(_test_week(connection, start, columns), unlabelled)
    with _timed(seconds, f"score {detector} {start}"):
        scored = pa.Table.from_batches(
            detectors.score(detector, artefacts=artefact, batches=week.to_batches(100_000))
        )
    day_numbers = week["day"].to_numpy()
    judged = still_judged(week["first_fraud_day"].to_numpy(), day_numbers)
    return ScoredWeek(
        start=start,
        training=training.select(["transaction_id", "misuse"]),
        identifiers=week["transaction_id"].filter(pa.array(judged)),
        frauds=week["is_fraud"].to_numpy()[judged],
        scores=scored["score"].to_numpy()[judged],
        tails=scored["tail"].to_numpy()[judged],
        cards=week["card_number"].to_numpy()[judged],
        days=day_numbers[judged],
    )


def _fit_unlabelled(
    connection: duckdb.DuckDBPyConnection,
    start: date,
    parameters: Mapping[str, dict[str, Any]],
    seconds: dict[str, float],
) -> dict[str, pa.Table]:
    """Artefacts of the detectors without labels, fitted on the week before the training week."""
    catalogue = _catalogue(connection)
    names = [name for name in detectors.ALGORITHMS if name != DETECTOR]
    rows = _training(connection, start - WEEK, _columns(catalogue, *names))
    with _timed(seconds, f"fit without labels {start}"):
        fitted = {
            name: detectors.fit(
                name,
                features=catalogue,
                parameters=parameters[name],
                trained_until=start,
                training=rows,
            )
            for name in names
        }
    return {name: table for name, table in fitted.items() if table["artefact"][0].is_valid}


def _with_tails(rows: pa.Table, unlabelled: Mapping[str, pa.Table] | None) -> pa.Table:
    """The rows with the tails of these detectors as further columns."""
    for name, artefact in (unlabelled or {}).items():
        scored = pa.Table.from_batches(
            detectors.score(name, artefacts=artefact, batches=rows.to_batches(100_000))
        )
        rows = rows.append_column(f"{name}_tail", scored["tail"])
    return rows


def _catalogue(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    return connection.execute("from seeds.feature_catalog").to_arrow_table()


def _columns(catalogue: pa.Table, *names: str) -> list[str]:
    """What the query must give these detectors."""
    needed = [column for name in names for column in detectors.input_columns(name, catalogue)]
    return ["category as segment" if name == "segment" else name for name in dict.fromkeys(needed)]


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


def _training(connection: duckdb.DuckDBPyConnection, start: date, columns: list[str]) -> pa.Table:
    """The training week, with what was known of it when the test begins."""
    return connection.execute(
        f"""
        with known as (
            select transaction_id, misuse
            from labels.latest_decisions
            where known_from <= $start + 14 and known_until > $start + 14
        )
        select {", ".join(columns)}, known.misuse, 1.0::double as weight
        from features.feat_transaction
        left join known using (transaction_id)
        where transaction_date >= $start and transaction_date < $start + 7
        order by transaction_id
        """,  # noqa: S608 - names of our own feature catalogue
        {"start": start},
    ).to_arrow_table()


def _test_week(connection: duckdb.DuckDBPyConnection, start: date, columns: list[str]) -> pa.Table:
    """The test week with its truth, and each card's first fraud since training began."""
    return connection.execute(
        f"""
        with truth as (
            select transaction_id::varchar as transaction_id, tx_fraud = 1 as is_fraud
            from raw.handbook__transactions
        ),
        first_frauds as (
            select card_id, min(transaction_date) as first_fraud_on
            from features.feat_transaction
            inner join truth using (transaction_id)
            where is_fraud and transaction_date >= $start
            group by card_id
        )
        select
            {", ".join(columns)},
            truth.is_fraud,
            dense_rank() over (order by card_id) as card_number,
            transaction_date - date '1970-01-01' as day,
            coalesce(first_fraud_on - date '1970-01-01', 1000000) as first_fraud_day
        from features.feat_transaction
        inner join truth using (transaction_id)
        left join first_frauds using (card_id)
        where transaction_date >= $start + 14 and transaction_date < $start + 21
        order by transaction_id
        """,  # noqa: S608 - names of our own feature catalogue
        {"start": start},
    ).to_arrow_table()


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


def _write(table: pa.Table, target: Path) -> None:
    """Write the scores under another name first, so that the file is there whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        pq.write_table(table, unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Record how long a step takes, and report it."""
    started = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - started, 1)
    report(f"handbook: {step} took {seconds[step]:.1f} s")


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    if row is None:
        raise RuntimeError("a query that always has one row had none")
    return row


# --- the answer -----------------------------------------------------------------------------------


_MEASURES = ("auc_roc", "average_precision", "card_precision_100")
_DAY = timedelta(days=1)


def describe(result: HandbookResult) -> str:
    """The result as a page for a terminal, beside the published figures."""
    single = result.single_split
    train, test = single.train_start, single.train_start + 2 * WEEK
    across = result.across_folds()
    starts = ", ".join(str(fold.train_start) for fold in result.folds)
    each = [
        _line(f"fold of {fold.train_start}", [(value, None) for value in _values(fold.measures)])
        for fold in result.folds
    ]
    seconds = ", ".join(f"{step} {took:.1f}" for step, took in result.seconds.items())
    lines = [
        f"{result.rows:,} transactions",
        f"single split: train {train} to {train + WEEK - _DAY} "
        f"({single.train_rows:,} rows, {single.train_frauds} frauds), "
        f"test {test} to {test + WEEK - _DAY} "
        f"({single.test_rows:,} rows, {single.test_frauds} frauds)",
        "",
        *_table(
            "single split",
            "single",
            [(value, None) for value in _values(single.measures)],
            (single.ceiling_card_precision_100, None),
        ),
        "",
        *_table(
            "four folds",
            "four folds",
            [across[name] for name in _MEASURES],
            across["ceiling"],
        ),
        *each,
        f"train starts {starts}; mean ± standard deviation",
        "",
        f"scores: {result.scores}",
        f"seconds: {seconds}",
    ]
    return "\n".join(lines)


_Figure: TypeAlias = tuple[float | None, float | None]


def _table(title: str, split: str, ours: list[_Figure], ceiling: _Figure) -> list[str]:
    """Our figures above the published ones and the best that perfect scores would reach."""
    theirs = [
        _line(row["model"], [(row[name], row[f"{name}_sd"]) for name in _MEASURES])
        for row in published()
        if row["split"] == split
    ]
    header = f"{title:<28}{'AUC ROC':>15}{'avg. precision':>17}{'CP@100':>15}"
    perfect = _line("perfect scores", [(1.0, None), (1.0, None), ceiling])
    return [header, _line("Cardwatch", ours), *theirs, perfect]


def _line(name: str, figures: list[_Figure]) -> str:
    first, second, third = (_written(figure) for figure in figures)
    return f"{name:<28}{first:>15}{second:>17}{third:>15}"


def _written(figure: _Figure) -> str:
    value, deviation = figure
    if value is None:
        return ""
    return f"{value:.3f}" if deviation is None else f"{value:.3f} ± {deviation:.3f}"


def _values(measures: Measures) -> list[float]:
    return [getattr(measures, name) for name in _MEASURES]
