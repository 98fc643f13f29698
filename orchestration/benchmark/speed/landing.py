"""What landing costs: rows a second of each format from file to raw table, and the memory it needs.

Each format is loaded in a process of its own, whose peak of memory is its own too, beside DuckDB's
reading of the same file into a table where it has a reader.
"""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import duckdb

from orchestration.benchmark.measuring import Bar, BenchmarkResult, Machine, workshop
from orchestration.benchmark.speed.network_files import (
    purchases,
    write_cdf3,
    write_gl1025,
    write_vcf4,
)
from orchestration.demo_company.land import land_demo
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import load_landed, prepare_raw

PEAK_BAR = 2048.0

# What one row is: as many columns as a company's export fills, names in Korean among them.
_PURCHASES = """
    select
        'T' || lpad(i::varchar, 10, '0') as transaction_id,
        'card_' || hash(i) % 20000 as card_id,
        timestamp '2024-01-01' + to_seconds(i * 63072000 // {rows}) as authorized_at,
        'm_' || hash(i + 1) % 50000 as merchant_id,
        'Merchant no. ' || hash(i + 1) % 50000 as merchant_name,
        (1000 + hash(i + 1) % 8000)::varchar as mcc,
        case when i % 3 = 0 then '서울' else 'Busan' end as merchant_city,
        'KR' as merchant_country,
        (hash(i + 2) % 50000000 / 100)::decimal(18, 2) as amount,
        'KRW' as currency,
        'chip' as entry_mode,
        'approved' as status
    from range({rows}) as numbers (i)
"""


@dataclass(frozen=True)
class _Kind:
    """A format: its source and feed, how its file is written, and the rows a second it must do."""

    source: str
    feed: str
    suffix: str
    write: Callable[[Path, int], None]
    bar: float
    reader: str | None = None


@dataclass(frozen=True)
class Loaded:
    """What loading some files took; seconds of DuckDB's own reader where there is one."""

    files: int
    rows: int
    rows_quarantined: int
    seconds: float
    processor_seconds: float
    peak_mebibytes: float
    duckdb_seconds: float | None = None

    @property
    def rows_a_second(self) -> float:
        """Rows loaded or quarantined, by the clock."""
        return (self.rows + self.rows_quarantined) / self.seconds


@dataclass(frozen=True)
class LandingSpeed(BenchmarkResult):
    """What each format cost, and the files of the demo company."""

    machine: Machine
    kinds: dict[str, Loaded]
    demo: Loaded

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        speeds = [
            Bar(name, f"{name}: rows a second", loaded.rows_a_second, least=_KINDS[name].bar)
            for name, loaded in self.kinds.items()
        ]
        most = max(loaded.peak_mebibytes for loaded in self.kinds.values())
        return [*speeds, Bar("memory", "peak of memory in MiB", most, most=PEAK_BAR)]


def run_landing(home: Home, rows: int) -> LandingSpeed:
    """Write files of so many rows for each format, load them and the demo company's files."""
    machine = Machine.here(["duckdb", "pyarrow", "lxml"])
    kinds = {}
    for name, kind in _KINDS.items():
        with workshop(home, "landing") as shop:
            file = shop.landing / kind.source / kind.feed / f"purchases.{kind.suffix}"
            file.parent.mkdir(parents=True)
            kind.write(file, rows)
            kinds[name] = _apart(_load, shop, file, kind.reader)
        report(f"landing: {name} at {kinds[name].rows_a_second:,.0f} rows a second")
    with workshop(home, "landing") as shop:
        land_demo(shop)
        demo = _apart(_load, shop, None, None)
    return LandingSpeed(machine, kinds, demo)


def describe(speed: LandingSpeed) -> str:
    """The measurement as text."""
    lines = [f"Landing on {speed.machine.cores} cores ({speed.machine.versions_line()})"]
    for name, loaded in {**speed.kinds, "demo": speed.demo}.items():
        beside = ""
        if loaded.duckdb_seconds is not None:
            times = loaded.seconds / loaded.duckdb_seconds
            beside = f"; {times:.1f} times DuckDB's own {loaded.duckdb_seconds:.1f} s"
        lines.append(
            f"  {name}: {loaded.rows:,} rows of {loaded.files} files in {loaded.seconds:.1f} s "
            f"({loaded.processor_seconds:.1f} s of processors), {loaded.rows_a_second:,.0f} a "
            f"second, at most {loaded.peak_mebibytes:,.0f} MiB{beside}"
        )
    return "\n".join([*lines, *(f"  {bar}" for bar in speed.bars())])


def _apart(measure: Callable[..., Loaded], *arguments: object) -> Loaded:
    """Measure in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as process:
        return process.submit(measure, *arguments).result()


def _load(home: Home, file: Path | None, reader: str | None) -> Loaded:
    feeds = read_feeds()
    with connect(home) as connection:
        prepare_raw(connection, feeds)
        started, used = time.perf_counter(), time.process_time()
        loaded = load_landed(connection, home, feeds)
        seconds, processor = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Loaded(
        len(loaded),
        sum(each.rows_loaded for each in loaded),
        sum(each.rows_quarantined for each in loaded),
        seconds,
        processor,
        round(peak, 1),
        _duckdb_seconds(home, file, reader) if file and reader else None,
    )


def _duckdb_seconds(home: Home, file: Path, reader: str) -> float:
    """Seconds in which DuckDB reads the file into a table of a database file, without a look."""
    with duckdb.connect(str(home.root / "beside.duckdb")) as connection:
        started = time.perf_counter()
        connection.execute(f"create table purchases as from {reader}(?)", [os.fspath(file)])
        return time.perf_counter() - started


def _copy(path: Path, rows: int) -> None:
    with duckdb.connect() as connection:
        connection.execute("set memory_limit = '1GB'")
        connection.execute(f"copy ({_PURCHASES.format(rows=rows)}) to '{path}'")


_KINDS = {
    "Parquet": _Kind("company", "card_transactions", "parquet", _copy, 300_000, "read_parquet"),
    "CSV": _Kind("company", "card_transactions", "csv", _copy, 100_000, "read_csv"),
    "VCF 4": _Kind(
        *("visa_vcf4", "transactions", "txt"),
        lambda path, rows: write_vcf4(path, purchases(rows)),
        50_000,
    ),
    "CDF 3": _Kind(
        *("mastercard_cdf3", "transactions", "xml"),
        lambda path, rows: write_cdf3(path, purchases(rows)),
        50_000,
    ),
    "GL1025": _Kind(
        *("amex_gl1025", "transactions", "txt"),
        lambda path, rows: write_gl1025(path, purchases(rows)),
        50_000,
    ),
}
