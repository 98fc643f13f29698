"""What one more day costs a company that has sent transactions for months and years.

A company of its own (`growing_company.py`) in a home of its own. History is built through dbt two
months at a time; then single days are landed and built as a daily run builds them.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from orchestration.benchmark.measured_dbt import MeasuredRun, measured_dbt
from orchestration.benchmark.speed.growing_company import (
    FIRST_DAY,
    Company,
    fill_days,
    fill_registers,
)
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.rows import one_row, one_value
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import prepare_raw
from orchestration.ledger.issue import prepare_ledger

MONTH = 30.4375  # days
PIECE = timedelta(days=61)

#: Single days that are built at each length of history; their median counts.
INCREMENTS = 3

_ONE_DAY = timedelta(days=1)
_INCREMENT = [
    *("run", "--select", "+path:models/intermediate", "+path:models/features"),
    *("--exclude", "path:models/staging"),
]


@dataclass(frozen=True)
class GrowthPoint:
    """The increments after so many months: transactions and bytes that the warehouse then had."""

    months: int
    transactions: int
    warehouse_bytes: int
    increments: tuple[MeasuredRun, ...]

    @property
    def model_seconds(self) -> float:
        """Seconds of all models of one increment, median of the increments."""
        return median(run.models_together for run in self.increments)

    @property
    def start_up(self) -> float:
        """Seconds of the rest of it: start-up, and closing the warehouse."""
        return median(run.start_up for run in self.increments)

    @property
    def by_model(self) -> dict[str, float]:
        """Seconds of each model, median of the increments."""
        return {
            model: median(run.model_seconds.get(model, 0.0) for run in self.increments)
            for model in self.increments[0].model_seconds
        }


@dataclass(frozen=True)
class Growth:
    """The increments after every length of history, shortest first, and what history cost."""

    company: Company
    points: tuple[GrowthPoint, ...]
    history_seconds: float

    def ratio(self, months: int, to_months: int) -> float | None:
        """How much more an increment costs after so many months than after the others."""
        found = {point.months: point.model_seconds for point in self.points}
        if months not in found or to_months not in found:
            return None
        return found[months] / found[to_months]

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines; seconds and bytes."""
        return {
            "company": vars(self.company),
            "first_day": FIRST_DAY,
            "history_seconds": self.history_seconds,
            "points": [
                {
                    "months": point.months,
                    "transactions": point.transactions,
                    "warehouse_bytes": point.warehouse_bytes,
                    "model_seconds": point.model_seconds,
                    "start_up": point.start_up,
                    "increments": [
                        {**vars(run), "models_together": run.models_together}
                        for run in point.increments
                    ],
                    "by_model": point.by_model,
                }
                for point in self.points
            ],
        }


def measure_growth(
    folder: Path, months: Sequence[int], keep: bool, company: Company | None = None
) -> Growth:
    """Measure one day's increment after each of these months of history.

    Everything is built in a home in `folder`, anew; it is removed afterwards unless `keep`.
    """
    company = company or Company()
    home = Home(folder)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        _prepare(home, company)
        points = []
        built_until = FIRST_DAY - _ONE_DAY
        history_seconds = 0.0
        for length in sorted(set(months)):
            last = FIRST_DAY + timedelta(days=round(length * MONTH)) - _ONE_DAY
            while built_until < last:
                until = min(built_until + PIECE, last)
                run = _advance(home, company, built_until + _ONE_DAY, until)
                history_seconds += run.wall_seconds
                report(f"growth: built until {until}, {run.wall_seconds:.0f} s")
                built_until = until
            increments = []
            for _ in range(INCREMENTS):
                built_until += _ONE_DAY
                increments.append(_advance(home, company, built_until, built_until))
            points.append(_point(home, length, increments))
            report(f"growth: a day after {length} months takes {points[-1].model_seconds:.1f} s")
        return Growth(company, tuple(points), history_seconds)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def describe_growth(growth: Growth) -> list[str]:
    """The result as lines for a terminal."""
    company, points = growth.company, growth.points
    shown = sorted(points[-1].by_model, key=lambda model: -points[-1].by_model[model])
    return [
        f"one day's increment of {company.transactions_a_day:,} transactions, "
        f"{company.cards:,} cards, {company.merchants:,} merchants (synthetic), "
        f"median of {INCREMENTS} days; history took {growth.history_seconds:,.0f} s",
        _line("months of history", [f"{point.months}" for point in points]),
        _line("million transactions", [f"{point.transactions / 1e6:.1f}" for point in points]),
        _line("warehouse, GiB", [f"{point.warehouse_bytes / 2**30:.1f}" for point in points]),
        _line("seconds of all models", [f"{point.model_seconds:.2f}" for point in points]),
        _line("start-up and closing", [f"{point.start_up:.2f}" for point in points]),
        *(
            _line(f"  {model}", [f"{point.by_model.get(model, 0.0):.2f}" for point in points])
            for model in shown
        ),
    ]


def _line(name: str, values: Sequence[str]) -> str:
    return f"{name:<46}" + "".join(f"{value:>9}" for value in values)


# --- steps ----------------------------------------------------------------------------------------


def _prepare(home: Home, company: Company) -> None:
    """An empty warehouse with the company's registers, the seeds and the staging views."""
    home.create()
    with connect(home) as connection:
        prepare_raw(connection, read_feeds())
        prepare_ledger(connection, home)
        fill_registers(connection, company)
    call_dbt(home, ["seed"], "the seeds cannot be loaded")
    call_dbt(home, ["run", "--select", "path:models/staging"], "the views cannot be made")


def _advance(home: Home, company: Company, first: date, last: date) -> MeasuredRun:
    """Land the files of some days and build them, as one run that then counts as finished."""
    with connect(home) as connection:
        fill_days(connection, company, first, last)
    run = measured_dbt(home, _INCREMENT, f"the days until {last} cannot be built")
    with connect(home) as connection:
        built = one_row(connection, "select built_from, built_until from run.build_window")
        vectors = one_value(
            connection,
            "select count(*) from features.feat_transaction where transaction_date = ?",
            [last],
        )
        if built != (first, last) or vectors != company.transactions_a_day:
            raise CardwatchError(
                f"the days {first} to {last} were to be built with {company.transactions_a_day:,} "
                f"vectors a day; built were {built} with {vectors} on the last day"
            )
        connection.execute(
            """
            update raw.run_state
            set completed_until = $1, completed_load_id = (
                select latest_load_id from run.build_window
            )
            """,
            [last],
        )
    return run


def _point(home: Home, months: int, increments: Sequence[MeasuredRun]) -> GrowthPoint:
    with connect(home, read_only=True) as connection:
        count = one_value(connection, "select count(*) from features.feat_transaction")
    return GrowthPoint(months, count, home.warehouse.stat().st_size, tuple(increments))
