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
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from orchestration.benchmark.handbook_data import HandbookData, land_handbook
from orchestration.benchmark.measured_dbt import MeasuredRun, measured_dbt
from orchestration.benchmark.measuring import Bar, BenchmarkResult, Machine, use_cores, workshop
from orchestration.benchmark.speed import cardwatch_twelve, twelve
from orchestration.benchmark.speed.growing_company import Company
from orchestration.benchmark.speed.growth import Growth, describe_growth, measure_growth
from orchestration.benchmark.speed.plots import plot
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.rows import one_row
from orchestration.engine.warehouse import connect

THREADS = 2
REPEATS = 3
PACKAGES = ("duckdb", "dbt-core", "dbt-duckdb")

_FEATURES = "path:models/features"
_BEFORE_FEATURES = [
    *("build", "--select", f"+{_FEATURES}", "feature_catalog", "--exclude", _FEATURES),
    *("--exclude-resource-type", "test", "unit_test"),
]


@dataclass(frozen=True)
class FeaturesResult(BenchmarkResult):
    """Everything that a run of the benchmark found."""

    data: HandbookData
    machine: Machine
    threads: int
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

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        bars = [
            Bar("times_pandas", "times the speed of pandas", self.times_pandas, least=15.0),
            Bar(
                "vector_seconds",
                "seconds of the complete vector",
                self.vector.wall_seconds,
                most=60.0,
            ),
            Bar(
                "vector_gibibytes",
                "GiB of the complete vector",
                self.vector.peak_bytes / 2**30,
                most=6.0,
            ),
        ]
        ratio = self.growth.ratio(24, 12) if self.growth else None
        if ratio is not None:
            what = "a day after 24 months by one after 12"
            bars.append(Bar("day_after_24_by_12_months", what, ratio, most=1.2))
        return bars

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines; times in seconds, memory in bytes."""
        return {
            "data": {**asdict(self.data), "days": self.data.days},
            "machine": asdict(self.machine),
            "threads": self.threads,
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
    machine = Machine.here(PACKAGES)
    with workshop(home, "features") as place:
        landed = land_history(place, data)
        rows = place.root / "rows.parquet"
        _write_rows(place, rows)
        timings = twelve.compare(rows, place.root, THREADS, REPEATS)
        cardwatch = cardwatch_twelve.measure(place, rows, THREADS, REPEATS)
        vector, features = _measure_vector(place)
    results = home.root / "benchmark"
    company = Company.of(transactions_a_day)
    growth = measure_growth(results / "growth", months, keep, company) if months else None
    every = [*timings, cardwatch.timing]
    seconds = {timing.way: timing.middle for timing in every if timing.middle is not None}
    plots = plot(seconds, cardwatch.timing.way, landed.rows, growth, results)
    return FeaturesResult(
        landed, machine, THREADS, tuple(timings), cardwatch, vector, features, growth, plots
    )


# --- steps ----------------------------------------------------------------------------------------


def land_history(place: Home, data: Path) -> HandbookData:
    """Land the file and build what features are made from; what the file holds."""
    started = time.monotonic()
    landed = land_handbook(place, data)
    call_dbt(place, _BEFORE_FEATURES, "what the features are made from cannot be built")
    report(f"features: {landed.rows:,} rows are landed, {time.monotonic() - started:.0f} s")
    return landed


def _write_rows(place: Home, file: Path) -> None:
    """Write the transactions for the other tools, in the columns of `twelve.py`."""
    with connect(place, read_only=True) as connection:
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
        ).write_parquet(str(file))


def _measure_vector(place: Home) -> tuple[MeasuredRun, int]:
    """Build everything in models/features anew; also the number of features of the vector."""
    run = measured_dbt(
        place, ["run", "--full-refresh", "--select", _FEATURES], "the features cannot be built"
    )
    with connect(place, read_only=True) as connection:
        transactions, vectors, features = one_row(
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


# --- the answer -----------------------------------------------------------------------------------


def describe(result: FeaturesResult) -> str:
    """The result as a page for a terminal."""
    cardwatch, vector = result.cardwatch, result.vector
    others = [timing.version for timing in result.timings if timing.version]
    lines = [
        *describe_setting(result.data, result.machine, result.threads, others),
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


def describe_setting(
    data: HandbookData, machine: Machine, threads: int, others: Sequence[str] = ()
) -> list[str]:
    """What was measured on, in three lines; `others` are packages with their versions."""
    further = [other for other in others if other.split()[0] not in machine.versions]
    return [
        str(data),
        f"{threads} threads of {machine.cores} cores, load {machine.load_before:.1f} before, "
        f"DuckDB's memory limit {machine.memory_limit}",
        ", ".join([machine.versions_line(), *further]),
    ]


#: Why a way was not measured, in words.
_MISSING: dict[str, str] = {
    "not_installed": f"not installed; `{twelve.INSTALL}` installs it",
    "no_java": "not measured, Spark needs Java; install a Java runtime (17 or later)",
}


def _timing_line(timing: twelve.Timing, baseline: float) -> str:
    if timing.middle is None:
        return f"{timing.way:<32}  {_MISSING[timing.missing or 'not_installed']}"
    processor = timing.middle_of_processor
    figures = ("" if processor is None else f"{processor:.2f}", f"{baseline / timing.middle:.1f}")
    return f"{timing.way:<32}{timing.middle:>9.2f}{figures[0]:>12}{figures[1]:>16}"


def _timing_json(timing: twelve.Timing) -> dict[str, Any]:
    return {
        **asdict(timing),
        "median": timing.middle,
        "median_of_processor": timing.middle_of_processor,
    }
