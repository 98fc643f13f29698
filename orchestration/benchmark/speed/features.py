"""What features cost: beside other tools, the whole vector, and a day as history grows.

One command measures three things and prints what it measured them on:

1. the handbook's own twelve window features in pandas, DuckDB, Polars and Spark (`twelve.py`), and
   the twelve of Cardwatch that answer the same questions, by the SQL of its own models;
2. the complete vector of `models/features` on the same transactions, through dbt;
3. one day's increment at a company that has sent transactions for months and years (`growth.py`).

Cardwatch's twelve have their own definitions (docs/decisions.md): strictly before the transaction;
windows of a day slide to the second, longer ones are whole days before its day; the misuse rate
counts decisions by the day they were taken, smoothed by a prior. They are checked on a sample
against a computation that shares nothing with the models.
"""

import math
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from orchestration.benchmark.measured_dbt import MeasuredRun, measured_dbt
from orchestration.benchmark.speed import cardwatch_twelve, twelve
from orchestration.benchmark.speed.growth import Company, Growth, describe_growth, measure_growth
from orchestration.benchmark.speed.plots import plot
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import DEFAULT_MEMORY_LIMIT, connect
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.file import check_file
from orchestration.landing.folder import copy_to_landing
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.ledger.issue import prepare_ledger

THREADS = 2
REPEATS = 3

_FEATURES = "path:models/features"
_BEFORE_FEATURES = [
    *("build", "--select", f"+{_FEATURES}", "feature_catalog", "--exclude", _FEATURES),
    *("--exclude-resource-type", "test", "unit_test"),
]


@dataclass(frozen=True)
class Inputs:
    """What was measured on: the rows, the machine and the versions."""

    rows: int
    first_day: date
    last_day: date
    customers: int
    terminals: int
    cores: int
    threads: int
    load_before: float
    memory_limit: str
    versions: dict[str, str]

    @property
    def days(self) -> int:
        """Days from the first to the last, both included."""
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True)
class Bar:
    """Something to be reached: at least or at most so much."""

    what: str
    measured: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.least <= self.measured <= self.most

    def as_json(self) -> dict[str, Any]:
        """The bar as one object for machines."""
        bar = {"at_most": self.most} if math.isfinite(self.most) else {"at_least": self.least}
        return {"what": self.what, "measured": self.measured, **bar, "met": self.met}

    def __str__(self) -> str:
        """The bar as one line."""
        bar = f"at most {self.most:g}" if math.isfinite(self.most) else f"at least {self.least:g}"
        return f"{self.what}: {self.measured:.2f}, {bar}: {'met' if self.met else 'MISSED'}"


@dataclass(frozen=True)
class FeaturesResult:
    """Everything that a run of the benchmark found."""

    inputs: Inputs
    timings: tuple[twelve.Timing, ...]
    cardwatch: cardwatch_twelve.CardwatchTiming
    vector: MeasuredRun
    features: int
    growth: Growth | None
    plots: tuple[Path, ...]

    @property
    def baseline(self) -> float:
        """Seconds of pandas."""
        return self.timings[0].middle or math.nan

    @property
    def times_pandas(self) -> float:
        """How many times as fast as pandas Cardwatch is."""
        return self.baseline / (self.cardwatch.timing.middle or math.nan)

    def bars(self) -> list["Bar"]:
        """What is to be reached, and what was."""
        bars = [
            Bar("times the speed of pandas", self.times_pandas, least=15.0),
            Bar("seconds of the complete vector", self.vector.wall_seconds, most=60.0),
            Bar("GiB of the complete vector", self.vector.peak_bytes / 2**30, most=6.0),
        ]
        ratio = self.growth.ratio(24, 12) if self.growth else None
        if ratio is not None:
            bars.append(Bar("a day after 24 months by one after 12", ratio, most=1.2))
        return bars

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines; times in seconds, memory in bytes."""
        return {
            "inputs": {**asdict(self.inputs), "days": self.inputs.days},
            "handbook_twelve": [_timing_json(timing) for timing in self.timings],
            "cardwatch_twelve": {
                **asdict(self.cardwatch),
                "timing": _timing_json(self.cardwatch.timing),
                "state_rows_a_second": self.cardwatch.state_rows_a_second,
            },
            "vector": {
                **asdict(self.vector),
                "start_up": self.vector.start_up,
                "features": self.features,
            },
            "growth": self.growth.as_json() if self.growth else None,
            "bars": [bar.as_json() for bar in self.bars()],
            "plots": self.plots,
        }


def read_months(text: str) -> tuple[int, ...]:
    """Lengths of history from a text like 3,6,12,24; 0 stands for none at all."""
    try:
        months = tuple(sorted({int(part) for part in text.split(",")} - {0}))
    except ValueError:
        months = (-1,)
    if any(not 1 <= number <= 120 for number in months):
        raise CardwatchError(
            f"--months {text} is not a list of months from 1 to 120; write it like 3,6,12,24"
        )
    return months


def run_features(
    home: Home,
    data: Path,
    months: Sequence[int],
    keep: bool = False,
    transactions_a_day: int = Company.transactions_a_day,
) -> FeaturesResult:
    """Measure everything; `months` are the lengths of history, without any growth is left out.

    What is built goes into homes of their own inside the given one, which are removed afterwards,
    but with `keep` the one of growth. Raises CardwatchError with one sentence when the file cannot
    be measured on, or when two computations of the same feature disagree.
    """
    use_cores(THREADS)
    load_before = os.getloadavg()[0]
    home.create()
    home.temporary.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home.temporary, prefix="features-") as folder:
        workshop = Home(Path(folder))
        rows = workshop.root / "rows.parquet"
        inputs = land(workshop, data, rows, load_before)
        timings = twelve.compare(rows, workshop.root, THREADS, REPEATS)
        cardwatch = cardwatch_twelve.measure(workshop, rows, THREADS, REPEATS)
        vector, features = _measure_vector(workshop)
    results = home.root / "benchmark"
    company = Company.of(transactions_a_day)
    growth = measure_growth(results / "growth", months, keep, company) if months else None
    every = [*timings, cardwatch.timing]
    seconds = {timing.way: timing.middle for timing in every if timing.middle is not None}
    plots = plot(seconds, cardwatch.timing.way, inputs.rows, growth, results)
    return FeaturesResult(inputs, tuple(timings), cardwatch, vector, features, growth, plots)


# --- steps ----------------------------------------------------------------------------------------


def use_cores(number: int) -> None:
    """Let this process and all that it starts use no more cores than this."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])


def land(workshop: Home, data: Path, rows: Path, load_before: float) -> Inputs:
    """Land the file, build what features are made from, and write the rows for the other tools."""
    started = time.monotonic()
    feeds = read_feeds()
    check_file(data, find_feed(feeds, "handbook", "transactions"))
    copy_to_landing(workshop, [data], "handbook", "transactions")
    with connect(workshop) as connection:
        prepare_raw(connection, feeds)
        prepare_ledger(connection, workshop)
        load_landed(connection, workshop, feeds)
        connection.sql(
            """
            select
                transaction_id,
                tx_datetime as made_at,
                epoch_us(tx_datetime) // 1000000 as second,
                customer_id,
                terminal_id,
                tx_amount as amount,
                tx_fraud as fraud
            from raw.handbook__transactions
            order by made_at, transaction_id
            """
        ).write_parquet(str(rows))
        count, unlabelled, repeated, customers, terminals, first, last = _row(
            connection,
            """
            select
                count(*),
                count(*) filter (where tx_fraud is null or tx_fraud not in (0, 1)),
                count(*) - count(distinct transaction_id),
                count(distinct customer_id),
                count(distinct terminal_id),
                min(tx_datetime)::date,
                max(tx_datetime)::date
            from raw.handbook__transactions
            """,
        )
    if unlabelled or repeated or not count:
        raise CardwatchError(
            f"{data} has {count:,} readable rows, {repeated:,} with a TRANSACTION_ID of another "
            f"and {unlabelled:,} whose TX_FRAUD is neither 0 nor 1; correct the file"
        )
    call_dbt(workshop, _BEFORE_FEATURES, "what the features are made from cannot be built")
    report(f"features: {count:,} rows are landed, {time.monotonic() - started:.0f} s")
    return Inputs(
        rows=count,
        first_day=first,
        last_day=last,
        customers=customers,
        terminals=terminals,
        cores=os.cpu_count() or 0,
        threads=THREADS,
        load_before=load_before,
        memory_limit=os.environ.get("CARDWATCH_MEMORY_LIMIT") or DEFAULT_MEMORY_LIMIT,
        versions={
            "python": platform.python_version(),
            **{package: version(package) for package in ("duckdb", "dbt-core", "dbt-duckdb")},
        },
    )


def _measure_vector(workshop: Home) -> tuple[MeasuredRun, int]:
    """Build everything in models/features anew; also the number of features of the vector."""
    run = measured_dbt(
        workshop, ["run", "--full-refresh", "--select", _FEATURES], "the features cannot be built"
    )
    with connect(workshop, read_only=True) as connection:
        transactions, vectors, features = _row(
            connection,
            """
            select
                (select count(*) from intermediate.int_transactions),
                (select count(*) from features.feat_transaction),
                (select count(*) from seeds.feature_catalog)
            """,
        )
    if transactions != vectors:
        raise CardwatchError(f"{transactions:,} transactions have {vectors:,} feature vectors")
    report(f"features: the complete vector took {run.wall_seconds:.1f} s")
    return run, features


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query).fetchone()
    if row is None:
        raise RuntimeError("a query that always has one row had none")
    return row


# --- the answer -----------------------------------------------------------------------------------


def describe(result: FeaturesResult) -> str:
    """The result as a page for a terminal."""
    cardwatch, vector = result.cardwatch, result.vector
    others = dict(timing.version.split() for timing in result.timings if timing.version)
    lines = [
        *describe_inputs(result.inputs, others),
        "",
        f"{'twelve window features':<32}{'seconds':>9}{'processor':>12}{'times as fast':>16}",
        *(_timing_line(timing, result.baseline) for timing in result.timings),
        _timing_line(cardwatch.timing, result.baseline),
        f"  of that {median(cardwatch.state_seconds):.1f} s for {cardwatch.state_rows:,} rows of "
        f"daily state, {cardwatch.state_rows_a_second:,.0f} rows a second",
        "The others compute the handbook's definitions and agree in every value. Cardwatch's own:",
        "strictly before the transaction, whole days from 7 days on, misuse by day of decision;",
        f"a second computation of {cardwatch.checked:,} transactions agrees.",
        "",
        f"complete vector of {result.features} features: {vector.wall_seconds:.1f} s, of that "
        f"{vector.start_up:.1f} s start-up; at most {vector.peak_bytes / 2**30:.1f} GiB",
        *(f"  {model:<44}{took:>9.1f}" for model, took in vector.model_seconds.items()),
        *(["", *describe_growth(result.growth)] if result.growth else []),
        "",
        *map(str, result.bars()),
        f"picture: {result.plots[0]}",
    ]
    return "\n".join(lines)


def describe_inputs(inputs: Inputs, others: Mapping[str, str] | None = None) -> list[str]:
    """What was measured on, in three lines; `others` are versions of further packages."""
    versions = {**inputs.versions, **(others or {})}
    return [
        f"{inputs.rows:,} transactions of {inputs.days} days ({inputs.first_day} to "
        f"{inputs.last_day}), {inputs.customers:,} cards, {inputs.terminals:,} merchants",
        f"{inputs.threads} threads of {inputs.cores} cores, load {inputs.load_before:.1f} before, "
        f"DuckDB's memory limit {inputs.memory_limit}",
        ", ".join(f"{package} {number}" for package, number in versions.items()),
    ]


def _timing_line(timing: twelve.Timing, baseline: float) -> str:
    if timing.middle is None:
        return f"{timing.way:<32}  {timing.missing}"
    processor = timing.middle_of_processor
    figures = ("" if processor is None else f"{processor:.2f}", f"{baseline / timing.middle:.1f}")
    return f"{timing.way:<32}{timing.middle:>9.2f}{figures[0]:>12}{figures[1]:>16}"


def _timing_json(timing: twelve.Timing) -> dict[str, Any]:
    return {
        **asdict(timing),
        "median": timing.middle,
        "median_of_processor": timing.middle_of_processor,
    }
