"""What a day of 60,000 purchases costs on top of scoring: labels, alerts, issue and cases.

On a copy of a home that holds a finished run of the demo company. The purchases of its last weeks
happen again, all on the first working day after it, with their features, hits and scores; reviewers
have answered the queue until then.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import duckdb

from orchestration.benchmark.measured_dbt import measured_dbt
from orchestration.benchmark.measuring import Bar, BenchmarkResult, workshop
from orchestration.demo_company.reviewers import answer_queue
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.rows import one_value
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.ledger.issue import issue, prepare_ledger

PURCHASES = 60_000
SECONDS_BAR = 15.0
_BEFORE = ("path:models/labels", "working_days", "path:models/alerts")
_AFTER = ("path:models/cases",)


@dataclass(frozen=True)
class BusyDay(BenchmarkResult):
    """Seconds of each model and of the issue step, and what the day amounted to."""

    purchases: int
    purchases_before: int
    review_events: int
    candidates: int
    cases: int
    model_seconds: dict[str, float]
    issue_seconds: float

    @property
    def seconds(self) -> float:
        """All models and the issue step together, without the start of dbt."""
        return sum(self.model_seconds.values()) + self.issue_seconds

    def bars(self) -> list[Bar]:
        """What is to be reached, and what was."""
        return [
            Bar("seconds", "seconds for alerts, cases and labels", self.seconds, most=SECONDS_BAR)
        ]


def run_busy_day(home: Home) -> BusyDay:
    """Measure on a copy of the home, which is removed afterwards."""
    if not (home.truth / "misuse.parquet").exists() or not home.published.exists():
        raise CardwatchError(
            f"there is no finished run of the demo company in {home.root}; "
            "run `cardwatch demo` and `cardwatch run` first"
        )
    with workshop(home, "busy-day") as copy:
        shutil.copyfile(home.warehouse, copy.warehouse)
        for part in ("published", "truth"):
            shutil.copytree(home.root / part, copy.root / part)
        feeds = read_feeds()
        with connect(copy) as connection:
            before = one_value(connection, "select count(*) from scoring.risk")
            day = _next_working_day(connection)
            events = answer_queue(copy, day)
            prepare_raw(connection, feeds)
            prepare_ledger(connection, copy)
            load_landed(connection, copy, feeds)
            for table in _tables(connection):
                _repeat(connection, table, day)
            _begin(connection, day)
        first = measured_dbt(copy, ["run", "--select", *_BEFORE], "the day cannot be queued")
        with connect(copy) as connection:
            candidates = one_value(connection, "select count(*) from alerts.alert_candidates")
            purchases = one_value(connection, "select count(*) from scoring.risk") - before
            started = time.monotonic()
            done = issue(connection, copy)
            issue_seconds = time.monotonic() - started
        second = measured_dbt(copy, ["run", "--select", *_AFTER], "the cases cannot be built")
        return BusyDay(
            purchases=purchases,
            purchases_before=before,
            review_events=events,
            candidates=candidates,
            cases=done.rows["alerts"] if done else 0,
            model_seconds=first.model_seconds | second.model_seconds,
            issue_seconds=issue_seconds,
        )


def _next_working_day(connection: duckdb.DuckDBPyConnection) -> date:
    day: date | None = one_value(
        connection,
        """
        select min(day) from run.working_days
        where is_working_day and day > (select max(transaction_date) from scoring.risk)
        """,
    )
    if day is None:
        raise CardwatchError("the calendar of working days ends with the data; run again")
    return day


def _tables(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Tables with a row a purchase and its day, up to the risk."""
    yield from (
        row[0]
        for row in connection.execute(
            """
            select schema_name || '.' || table_name
            from duckdb_columns()
            where
                column_name in ('transaction_id', 'transaction_date')
                and (
                    schema_name = 'features'
                    or (schema_name = 'detectors' and ends_with(table_name, '__scores'))
                    or table_name in ('int_transactions', 'risk', 'risk_parts')
                )
            group by schema_name, table_name
            having count(*) = 2
            order by schema_name, table_name
            """
        ).fetchall()
    )
    yield "scoring.rule_hits"
    yield "raw.company__card_transactions"


def _repeat(connection: duckdb.DuckDBPyConnection, table: str, day: date) -> None:
    """Append what a table holds of the purchases that happen again, with the day changed."""
    schema, name = table.split(".")
    columns = {
        row[0]
        for row in connection.execute(
            "select column_name from duckdb_columns() where schema_name = ? and table_name = ?",
            [schema, name],
        ).fetchall()
    }
    changed = {
        "transaction_id": "'again_' || transaction_id",
        "_key": "'again_' || _key",
        "subject_id": "'again_' || subject_id",
        "transaction_date": f"date '{day}'",
        "occurred_on": f"date '{day}'",
        "authorized_at": f"date '{day}' + (authorized_at - date_trunc('day', authorized_at))",
        "occurred_at": f"date '{day}' + (occurred_at - date_trunc('day', occurred_at))",
        "_load_id": "(select max(load_id) from raw.load_manifest)",
    }
    replaced = ", ".join(
        f"{sql} as {column}" for column, sql in changed.items() if column in columns
    )
    connection.execute(
        f"""
        insert into {table}
        select * replace ({replaced})
        from {table}
        where transaction_id in (
            select transaction_id from scoring.risk
            where not starts_with(transaction_id, 'again_')
            order by authorized_at desc, transaction_id
            limit {PURCHASES}
        )
        {"and subject_type = 'transaction'" if table == "scoring.rule_hits" else ""}
        """  # noqa: S608
    )


def _begin(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Let the run be one of this day."""
    connection.execute(
        """
        update run.build_window
        set changed_from = $1, built_from = $1, built_until = $1, cleared_until = $1
        """,
        [day],
    )
    connection.execute("update raw.run_state set audit_seed = 'benchmark'")


def describe(result: BusyDay) -> str:
    """The result as a page for a terminal."""
    slowest = sorted(result.model_seconds.items(), key=lambda model: -model[1])
    return "\n".join(
        [
            f"{result.purchases:,} purchases on one day after {result.purchases_before:,} before,"
            f" {result.review_events:,} review events",
            f"{result.candidates:,} candidates, {result.cases:,} cases",
            "",
            *(f"{name:<32}{seconds:>8.2f} s" for name, seconds in slowest),
            f"{'issue':<32}{result.issue_seconds:>8.2f} s",
            f"{'together':<32}{result.seconds:>8.2f} s",
            "",
            *(str(bar) for bar in result.bars()),
        ]
    )
