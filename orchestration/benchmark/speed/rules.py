"""What rules cost: a backtest over all history, and a day's hits of all rules.

1. Every rule is backtested on the handbook's transactions: the queries alone, and for the slowest
   rule the whole command in a process of its own.
2. Every transaction is repeated until a day has 60,000 of them and the history ten millions; the
   backtests are timed again.
3. What a daily run adds for the rules, by dbt's own clock, and what one more rule adds when there
   are ten and when there are a hundred.
"""

import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from orchestration.benchmark.handbook_data import HandbookData
from orchestration.benchmark.measured_dbt import measured_dbt
from orchestration.benchmark.measuring import Bar, BenchmarkResult, Machine, use_cores, workshop
from orchestration.benchmark.speed.features import PACKAGES, describe_setting, land_history
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.progress import report
from orchestration.engine.rows import one_row, one_value
from orchestration.engine.warehouse import connect
from orchestration.settings.rules import read_rules
from orchestration.workbench.backtest import run_backtest

THREADS = 2
REPEATS = 3
DAY = 60_000

_RULE_MODELS = ["path:models/rules", "rule_catalog", "rule_hits", "rule_coverage"]


@dataclass(frozen=True)
class RulesResult(BenchmarkResult):
    """Seconds of everything that was measured, by rule where there are several."""

    data: HandbookData
    machine: Machine
    threads: int
    backtest_seconds: dict[str, float]
    command_seconds: dict[str, float]
    many_rows: int
    many_backtest_seconds: dict[str, float]
    day_rows: int
    day_model_seconds: dict[str, float]
    union_seconds: dict[int, float]

    @property
    def day_seconds(self) -> float:
        """What the rules add to a daily run."""
        return sum(self.day_model_seconds.values())

    def one_more(self, rules: int) -> float:
        """Seconds that one rule costs where there are so many."""
        return self.union_seconds[rules] / rules

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        return [
            Bar(
                "backtest_seconds",
                "seconds of the slowest backtest",
                max(self.backtest_seconds.values()),
                most=2.0,
            ),
            Bar(
                "command_seconds",
                "... of the whole command",
                max(self.command_seconds.values()),
                most=6.0,
            ),
            Bar(
                "many_backtest_seconds",
                f"seconds of the slowest backtest of {self.many_rows:,} rows",
                max(self.many_backtest_seconds.values()),
                most=10.0,
            ),
            Bar(
                "day_seconds",
                f"seconds of all rules on {self.day_rows:,} rows",
                self.day_seconds,
                most=10.0,
            ),
            Bar(
                "rule_among_100_by_among_10",
                "a rule among 100 by a rule among 10",
                self.one_more(100) / self.one_more(10),
                most=1.0,
            ),
        ]

    def as_json(self) -> dict[str, Any]:
        """The result as one object for machines; times in seconds."""
        return {
            **super().as_json(),
            "data": {**asdict(self.data), "days": self.data.days},
            "day_seconds": self.day_seconds,
        }


def run_rules(home: Home, data: Path) -> RulesResult:
    """Measure everything in a home of its own inside the given one, which is removed afterwards.

    Raises CardwatchError with one sentence when the file cannot be measured on.
    """
    use_cores(THREADS)
    machine = Machine.here(PACKAGES)
    with workshop(home, "rules") as place:
        landed = land_history(place, data)
        call_dbt(place, ["seed"], "the seeds cannot be loaded")
        call_dbt(
            place,
            ["run", "--full-refresh", "--select", "path:models/features", *_RULE_MODELS],
            "the rules cannot be built",
        )
        call_dbt(place, ["run", "--select", "+stg_external_hits"], "a view cannot be built")
        rules = [rule.rule_id for rule in read_rules(project_root())]
        report(f"rules: {len(rules)} rules and what they read are built")
        backtests = _backtests(place, rules)
        commands = _commands(place, backtests)
        rows, day_rows = _repeat_transactions(place, landed)
        report(f"rules: the history is {rows:,} rows now, {day_rows:,} on its last day")
        many = _backtests(place, rules)
        models = measured_dbt(
            place, ["run", "--select", *_RULE_MODELS], "the day's hits cannot be built"
        ).model_seconds
        report(f"rules: a day's hits took {sum(models.values()):.1f} s")
        union = _unions(place, (10, 20, 50, 100))
    return RulesResult(
        landed, machine, THREADS, backtests, commands, rows, many, day_rows, models, union
    )


def _backtests(home: Home, rules: Sequence[str]) -> dict[str, float]:
    """Seconds of every rule's backtest without starting a process; the better of two."""
    seconds = {}
    for rule in rules:
        tries = []
        for _ in range(2):
            started = time.monotonic()
            run_backtest(home, rule)
            tries.append(time.monotonic() - started)
        seconds[rule] = min(tries)
    slowest = max(seconds, key=lambda rule: seconds[rule])
    report(f"rules: the slowest backtest, {slowest}, takes {seconds[slowest]:.2f} s")
    return seconds


def _commands(home: Home, backtests: dict[str, float]) -> dict[str, float]:
    """Seconds of the whole command for the three slowest rules."""
    seconds = {}
    for rule in sorted(backtests, key=lambda rule: -backtests[rule])[:3]:
        started = time.monotonic()
        finished = subprocess.run(
            [str(Path(sys.executable).parent / "cardwatch"), "backtest", rule],
            env={**os.environ, "CARDWATCH_HOME": str(home.root)},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds[rule] = time.monotonic() - started
        if finished.returncode != 0:
            raise CardwatchError(f"`cardwatch backtest {rule}` failed: {finished.stderr.strip()}")
    return seconds


def _repeat_transactions(home: Home, landed: HandbookData) -> tuple[int, int]:
    """Give every transaction twins, and let the next run build the last day only."""
    twins = math.ceil(DAY * landed.days / landed.rows)
    with connect(home) as connection:
        connection.execute("set enable_progress_bar = false")
        for table in ("intermediate.int_transactions", "features.feat_transaction"):
            connection.execute(
                f"""
                create table {table}_many as
                select * replace (transaction_id || '_' || twin as transaction_id)
                from {table} cross join range(?) as twins (twin)
                order by transaction_date
                """,
                [twins],
            )
            schema, _, name = table.partition(".")
            connection.execute(f"drop table {table}")
            connection.execute(f"alter table {table}_many rename to {name}")
            connection.execute(f"use {schema}")
        connection.execute("use main")
        connection.execute(
            """
            update run.build_window
            set changed_from = built_until, built_from = built_until
            """
        )
        rows, day_rows = one_row(
            connection,
            """
            select
                count(*),
                count(*) filter (
                    where transaction_date
                    = (select max(transaction_date) from features.feat_transaction)
                )
            from features.feat_transaction
            """,
        )
    return rows, day_rows


def _unions(home: Home, numbers: Sequence[int]) -> dict[int, float]:
    """Seconds of the last day's hits of so many rules, planned as rule_hits is.

    Fewer than there are, are chosen evenly; more, by taking some twice.
    """
    with connect(home, read_only=True) as connection:
        connection.execute(f"set threads = {THREADS}; set enable_progress_bar = false")
        # macros/engine/as_written.sql
        connection.execute("set disabled_optimizers = 'common_subplan,statistics_propagation'")
        views = [
            row[0]
            for row in connection.execute(
                "select view_name from duckdb_views() where schema_name = 'rules' order by 1"
            ).fetchall()
        ]
        last = "select max(transaction_date) from features.feat_transaction"
        day = one_value(connection, last)
        seconds = {}
        for number in numbers:
            step = max(len(views) / number, 1.0)
            chosen = [views[int(place * step) % len(views)] for place in range(number)]
            union = " union all ".join(
                f"select * from rules.{view} where occurred_at >= timestamp '{day}'"
                for view in chosen
            )
            tries = []
            for _ in range(REPEATS):
                started = time.monotonic()
                connection.execute(f"create or replace temp table hits as {union}")
                tries.append(time.monotonic() - started)
            seconds[number] = median(tries)
    return seconds


def describe(result: RulesResult) -> str:
    """The result as a page for a terminal."""
    lines = [
        *describe_setting(result.data, result.machine, result.threads),
        "",
        f"{'backtest':<36}{f'{result.data.rows:,} rows':>18}{f'{result.many_rows:,} rows':>18}",
        *(
            f"{rule:<36}{took:>18.2f}{result.many_backtest_seconds[rule]:>18.2f}"
            for rule, took in result.backtest_seconds.items()
        ),
        "",
        *(
            f"`cardwatch backtest {rule}`, start-up included: {took:.2f} s"
            for rule, took in result.command_seconds.items()
        ),
        "",
        f"a day of {result.day_rows:,} transactions: {result.day_seconds:.1f} s in dbt",
        *(
            f"  {model:<44}{took:>9.2f}"
            for model, took in result.day_model_seconds.items()
            if not model.startswith("rule_") or model in _RULE_MODELS
        ),
        *(
            f"hits of {rules} rules: {took:.2f} s, {1000 * took / rules:.1f} ms a rule"
            for rules, took in result.union_seconds.items()
        ),
        "",
        *map(str, result.bars()),
    ]
    return "\n".join(lines)
