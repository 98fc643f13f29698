"""The twelve window features of the Fraud-Detection-Handbook, computed in four ways.

Of each transaction: how many its customer made in the last 1, 7 and 30 days and their mean amount,
itself included; how many its terminal saw in 1, 7 and 30 days that ended seven days ago, and what
share of those was fraud, 0 where there were none. A window of w days is (t - w days, t]: what
happened in the same second as the transaction is in it, whatever the order of the rows.

Each way takes the same rows, already in its own kind of memory, and is timed until its twelve
columns are there for every row. The columns of the rows are `transaction_id`, `made_at`
(timestamp), `second` (since 1970), `customer_id`, `terminal_id`, `amount` and `fraud` (0 or 1).
"""

import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Literal, TypeAlias

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.engine.errors import CardwatchError
from orchestration.engine.progress import report

#: Lengths of the windows, and after how long a fraud is known, in days.
WINDOWS = (1, 7, 30)
DELAY = 7

_DAY_SECONDS = 86_400

COLUMNS = tuple(
    f"{measure}_{window}d"
    for measure in ("customer_count", "customer_mean", "terminal_count", "terminal_risk")
    for window in WINDOWS
)

#: Two ways agree when no value differs by more.
TOLERANCE = 1e-6

INSTALL = "make .venv/benchmark"


#: Why a way cannot be measured here.
Missing: TypeAlias = Literal["not_installed", "no_java"]


@dataclass(frozen=True)
class Timing:
    """One way of computing the twelve: seconds of each repeat, or why there are none.

    Seconds of the processor count both cores and nobody else's work; Spark's are not known here.
    """

    way: str
    version: str = ""
    seconds: tuple[float, ...] = ()
    processor_seconds: tuple[float, ...] = ()
    missing: Missing | None = None

    @property
    def middle(self) -> float | None:
        """The median of the repeats."""
        return median(self.seconds) if self.seconds else None

    @property
    def middle_of_processor(self) -> float | None:
        """The median of the repeats, in seconds of the processor."""
        return median(self.processor_seconds) if self.processor_seconds else None


def compare(rows: Path, temporary: Path, threads: int, repeats: int) -> list[Timing]:
    """Compute the twelve of the rows of a Parquet file in every way that is installed.

    pandas, the baseline, runs once and comes first. Raises CardwatchError when two ways disagree.
    """
    ways = (
        ("pandas", "pandas", 1, _pandas(rows)),
        ("DuckDB SQL", "duckdb", repeats, _duckdb(rows, threads)),
        ("Polars", "polars", repeats, _polars(rows, threads)),
        ("Spark, local mode", "pyspark", repeats, _spark(rows, temporary, threads)),
    )
    timings: list[Timing] = []
    expected = None
    for way, package, times, opened in ways:
        missing = _missing(package)
        if missing:
            timings.append(Timing(way, missing=missing))
            continue
        with opened as compute:
            found, timing = _measured(way, f"{package} {version(package)}", times, compute)
        expected = found if expected is None else expected
        require_agreement(way, found, "pandas", expected)
        timings.append(timing)
    return timings


def require_agreement(
    way: str,
    found: pa.Table,
    other: str,
    expected: pa.Table,
    columns: Sequence[str] = COLUMNS,
) -> None:
    """Refuse two tables of features that differ; both are in the order of transaction_id.

    What is not known (null or NaN) agrees with what is not known either.
    """
    if not found["transaction_id"].equals(expected["transaction_id"]):
        raise CardwatchError(
            f"{way} and {other} disagree on which transactions there are: "
            f"{found.num_rows:,} and {expected.num_rows:,}"
        )
    for column in columns:
        ours, theirs = found[column].to_numpy(), expected[column].to_numpy()
        alike = (np.abs(ours - theirs) <= TOLERANCE) | (np.isnan(ours) & np.isnan(theirs))
        differing = ~alike
        if differing.any():
            first = int(differing.argmax())
            raise CardwatchError(
                f"{way} and {other} disagree on {column} of {int(differing.sum()):,} transactions, "
                f"the first {found['transaction_id'][first]}: {ours[first]} and {theirs[first]}"
            )


# --- the ways -------------------------------------------------------------------------------------


def with_pandas(rows: pd.DataFrame) -> pd.DataFrame:
    """The twelve as the handbook computes them: a group at a time, `rolling` over its times.

    Its chapter "Baseline feature transformation" is the source of the definitions and of this way.
    """
    of_customers = rows.groupby("customer_id", group_keys=False)[
        ["transaction_id", "made_at", "amount"]
    ]
    of_terminals = rows.groupby("terminal_id", group_keys=False)[
        ["transaction_id", "made_at", "fraud"]
    ]
    both = of_customers.apply(_of_customer).join(of_terminals.apply(_of_terminal))
    return both.sort_index().rename_axis("transaction_id").reset_index()


def _of_customer(transactions: pd.DataFrame) -> pd.DataFrame:
    """The six features of one customer, by transaction_id."""
    transactions = transactions.sort_values("made_at")
    amounts = transactions.set_index("made_at")["amount"]
    features = {}
    for window in WINDOWS:
        count = amounts.rolling(f"{window}D").count()
        total = amounts.rolling(f"{window}D").sum()
        features[f"customer_count_{window}d"] = _levelled(count)
        features[f"customer_mean_{window}d"] = _levelled(total / count)
    return _by_transaction(features, transactions)


def _of_terminal(transactions: pd.DataFrame) -> pd.DataFrame:
    """The six features of one terminal, by transaction_id."""
    transactions = transactions.sort_values("made_at")
    frauds = transactions.set_index("made_at")["fraud"]
    # the last seven days, which are left out of the same days with the window before them
    count_in_delay = frauds.rolling(f"{DELAY}D").count()
    frauds_in_delay = frauds.rolling(f"{DELAY}D").sum()
    features = {}
    for window in WINDOWS:
        count = frauds.rolling(f"{DELAY + window}D").count() - count_in_delay
        fraud_count = frauds.rolling(f"{DELAY + window}D").sum() - frauds_in_delay
        features[f"terminal_count_{window}d"] = count
        features[f"terminal_risk_{window}d"] = (fraud_count / count).fillna(0)
    return _by_transaction(features, transactions)


def _levelled(values: "pd.Series[float]") -> "pd.Series[float]":
    """The same window for all rows of one second: `rolling` counts them one after the other."""
    if values.index.is_unique:
        return values
    return values.groupby(level=0).transform("last")


def _by_transaction(
    features: dict[str, "pd.Series[float]"], transactions: pd.DataFrame
) -> pd.DataFrame:
    index = pd.Index(transactions["transaction_id"], name="transaction_id")
    return pd.DataFrame({name: values.to_numpy() for name, values in features.items()}, index=index)


def duckdb_query(rows: str) -> str:
    """The twelve as one statement over a relation of the rows."""
    customer, terminal = [], []
    for window in WINDOWS:
        # half-open: what is exactly as old as the window is long is not in it
        newer = window * _DAY_SECONDS
        older = newer + DELAY * _DAY_SECONDS
        customer.append(
            f"customer_{window}d as (partition by customer_id order by made_at range between "
            f"interval '{newer - 1}.999999' second preceding and current row)"
        )
        terminal.append(
            f"terminal_{window}d as (partition by terminal_id order by made_at range between "
            f"interval '{older - 1}.999999' second preceding "
            f"and interval '{DELAY * _DAY_SECONDS}' second preceding)"
        )
    columns = [
        *(f"count(*) over customer_{w}d::double as customer_count_{w}d" for w in WINDOWS),
        *(f"avg(amount) over customer_{w}d as customer_mean_{w}d" for w in WINDOWS),
        *(f"count(*) over terminal_{w}d::double as terminal_count_{w}d" for w in WINDOWS),
        *(f"coalesce(avg(fraud) over terminal_{w}d, 0) as terminal_risk_{w}d" for w in WINDOWS),
    ]
    return (
        f"select transaction_id, {', '.join(columns)} from {rows} "  # noqa: S608 - constants
        f"window {', '.join(customer + terminal)}"
    )


# Computing ends when every value is there; what it returns turns them into one table afterwards.
Computed: TypeAlias = Callable[[], pa.Table]
Compute: TypeAlias = Callable[[], Computed]


@contextmanager
def _pandas(rows: Path) -> Iterator[Compute]:
    frame = pd.read_parquet(rows)

    def compute() -> Computed:
        twelve = with_pandas(frame)
        return lambda: pa.Table.from_pandas(twelve, preserve_index=False)

    yield compute


@contextmanager
def _duckdb(rows: Path, threads: int) -> Iterator[Compute]:
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute("create table transactions as from read_parquet(?)", [str(rows)])
        statement = f"create or replace table twelve as {duckdb_query('transactions')}"

        def compute() -> Computed:
            connection.execute(statement)
            return lambda: connection.execute("from twelve").to_arrow_table()

        yield compute


@contextmanager
def _polars(rows: Path, threads: int) -> Iterator[Compute]:
    # read once, when the package is imported
    os.environ.setdefault("POLARS_MAX_THREADS", str(threads))
    import polars

    frame = polars.read_parquet(rows)
    number, nothing = polars.Float64, polars.lit(0.0)

    def rolled(entity: str, delay: int, measures: dict[str, Any]) -> Any:
        """Measures by name, over every window of an entity, beside the transaction_id."""
        in_order = frame.sort(entity, "made_at")
        columns = [in_order["transaction_id"]]
        for window in WINDOWS:
            windows = in_order.rolling(
                "made_at",
                period=f"{window}d",
                offset=f"-{window + delay}d",
                closed="right",
                group_by=entity,
            )
            found = windows.agg(*(value.alias(name) for name, value in measures.items()))
            columns += [found[name].alias(f"{name}_{window}d") for name in measures]
        return polars.DataFrame(columns)

    def compute() -> Computed:
        customers = rolled(
            "customer_id",
            0,
            {
                "customer_count": polars.len().cast(number),
                "customer_mean": polars.col("amount").mean(),
            },
        )
        terminals = rolled(
            "terminal_id",
            DELAY,
            {
                "terminal_count": polars.len().cast(number),
                "terminal_risk": polars.col("fraud").mean().fill_null(nothing),
            },
        )
        fetch: Computed = customers.join(terminals, on="transaction_id").to_arrow
        return fetch

    yield compute


@contextmanager
def _spark(rows: Path, temporary: Path, threads: int) -> Iterator[Compute]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pandas, which is not used with Spark here
        from pyspark.sql import Window
        from pyspark.sql import functions as spark

    result = temporary / "spark"
    session = _spark_session(temporary, threads)
    try:
        frame = session.read.parquet(str(rows)).cache()
        frame.count()
        columns = []
        for window in WINDOWS:
            seconds = window * _DAY_SECONDS
            customer = Window.partitionBy("customer_id").orderBy("second")
            terminal = Window.partitionBy("terminal_id").orderBy("second")
            recent = customer.rangeBetween(1 - seconds, 0)
            delay = DELAY * _DAY_SECONDS
            delayed = terminal.rangeBetween(1 - seconds - delay, -delay)
            everything = spark.count(spark.lit(1))
            risk = spark.coalesce(spark.avg("fraud").over(delayed), spark.lit(0.0))
            columns += [
                everything.over(recent).cast("double").alias(f"customer_count_{window}d"),
                spark.avg("amount").over(recent).alias(f"customer_mean_{window}d"),
                everything.over(delayed).cast("double").alias(f"terminal_count_{window}d"),
                risk.alias(f"terminal_risk_{window}d"),
            ]

        def compute() -> Computed:
            frame.select("transaction_id", *columns).write.mode("overwrite").parquet(str(result))
            return lambda: pq.read_table(result)

        yield compute
    finally:
        session.stop()


def _spark_session(temporary: Path, threads: int) -> Any:
    """Start Spark in a Java process of its own, on this machine only and without its chatter."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "4g",
        "spark.sql.shuffle.partitions": str(2 * threads),
        "spark.sql.warehouse.dir": str(temporary / "spark-warehouse"),
        "spark.local.dir": str(temporary),
    }
    builder = SparkSession.builder.master(f"local[{threads}]").appName("cardwatch benchmark")
    # Java inherits what is standard error while it starts
    terminal = os.dup(2)
    with (temporary / "spark.log").open("w") as log:
        os.dup2(log.fileno(), 2)
        try:
            session = builder.config(map=settings).getOrCreate()
            session.sparkContext.setLogLevel("ERROR")
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
    return session


# --- measuring ------------------------------------------------------------------------------------


def _measured(way: str, versioned: str, repeats: int, compute: Compute) -> tuple[pa.Table, Timing]:
    """What a way computes, in the order of transaction_id, and how long each repeat took."""
    seconds, processor_seconds = [], []
    for _ in range(repeats):
        started, processor_started = time.monotonic(), time.process_time()
        fetch = compute()
        seconds.append(time.monotonic() - started)
        processor_seconds.append(time.process_time() - processor_started)
    in_this_process = not way.startswith("Spark")
    timing = Timing(
        way, versioned, tuple(seconds), tuple(processor_seconds if in_this_process else ())
    )
    report(f"features: {way} took {timing.middle:.1f} s")
    table = fetch().select(["transaction_id", *COLUMNS]).sort_by("transaction_id")
    return table.combine_chunks(), timing


def _missing(package: str) -> Missing | None:
    """Why a way cannot be measured here; None when it can."""
    if find_spec(package) is None:
        return "not_installed"
    if package == "pyspark" and not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        return "no_java"
    return None
