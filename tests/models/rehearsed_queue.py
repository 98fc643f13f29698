"""A warehouse in which days of purchases arrive, are queued and are issued, without dbt.

The alert models' own SQL, as dbt compiled it, runs on rows that are made up by the tests; each run
ends with the project's own issue step.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.engine.home import Home
from orchestration.ledger.issue import issue

MONDAY = date(2025, 3, 10)


@dataclass(frozen=True)
class Purchase:
    """A purchase as the queue sees it; `hour` counts from the first day's midnight."""

    number: int
    hour: int
    employee: int
    merchant: int
    amount: float
    risk: float
    mandatory: bool = False
    odd: float = 0.0
    department: int = 0

    @property
    def at(self) -> datetime:
        return datetime.combine(MONDAY, datetime.min.time()) + timedelta(hours=self.hour)


def approver(purchase: Purchase) -> int:
    """Eight people have one; the few people of an arbitrary queue have three."""
    return purchase.employee // 8 if purchase.employee >= 24 else purchase.employee % 3


class Queue:
    """A warehouse in which days arrive and are issued."""

    def __init__(self, built_home: Home, folder: Path, cases_per_day: int) -> None:
        self.home = Home(folder)
        self.home.create()
        shutil.copy(built_home.warehouse, self.home.warehouse)
        self._compiled = built_home.dbt_target / "compiled/cardwatch"
        # as the materialization day_by_day has it
        self._connection = duckdb.connect(str(self.home.warehouse), config={"threads": 1})
        self.set_budget("cases_per_day", cases_per_day)
        # made of weights that are not there
        self.execute("delete from scoring.risk_versions")
        for feed in ("card_transactions", "review_events", "labels"):
            # built without rows, a view would never show one
            self.execute(f"create table landed as from staging.stg_{feed}")
            self.execute(f"drop view staging.stg_{feed}")
            self.execute(f"create table staging.stg_{feed} as from landed")
            self.execute("drop table landed")
        self._load = 0

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(query, parameters).fetchall()
        return found

    def close(self) -> None:
        self._connection.close()

    def set_budget(self, column: str, value: int | date) -> None:
        """Set a column of the review budget."""
        self.execute(f"update seeds.review_budget set {column} = ?", [value])
        self.build("run", "budget_periods")

    def arrive(self, purchases: Iterable[Purchase], files: int = 1) -> None:
        """Score what arrives, in one landed file or spread over many."""
        self._load += files
        rows = [
            {
                "transaction_id": f"t{purchase.number:06d}",
                "authorized_at": purchase.at,
                "transaction_date": purchase.at.date(),
                "card_id": f"k{purchase.employee}",
                "employee_id": f"e{purchase.employee}",
                "department_id": f"d{purchase.department}",
                "merchant_id": f"m{purchase.merchant}",
                "approver_id": f"boss of {approver(purchase)}",
                "amount": purchase.amount,
                "risk": purchase.risk,
                "is_mandatory": purchase.mandatory,
                "anomaly_score": purchase.odd,
            }
            for purchase in purchases
        ]
        if not rows:
            return
        self._connection.register("arriving", pa.Table.from_pylist(rows))
        for table, more in {
            "scoring.risk": """
                'KRW' as currency, 1 as rule_hit_count, 0.0 as rule_risk, 'r' as risk_version,
                0.0 as expected_value, true as is_explained, true as is_anomaly_explained
            """,
            "intermediate.int_transactions": "'KRW' as currency, true as is_purchase",
            "staging.stg_card_transactions": f"""
                'KRW' as currency,
                {self._load} - row_number() over (order by transaction_id) % {files} as load_id,
                row_number() over (order by transaction_id) as load_line
            """,
        }.items():
            schema, name = table.split(".")
            columns = [
                row[0]
                for row in self.execute(
                    "select column_name from duckdb_columns()"
                    " where schema_name = ? and table_name = ?",
                    [schema, name],
                )
            ]
            self.execute(
                f"""
                insert into {table} by name
                select columns(c -> list_contains({columns}, c))
                from (select *, {more} from arriving)
                """
            )
        self._connection.unregister("arriving")

    def hit(
        self, rule: str, claim: str, hour: int, transaction: str | None = None, amount: float = 9e5
    ) -> None:
        """Let a rule hit a claim, which arrives if it has not yet."""
        at = Purchase(0, hour, 0, 0, 0.0, 0.0).at
        # made of weights that are not there, too
        self.execute("update scoring.rule_catalog set severity_weight = 0.6")
        for table, query in {
            "scoring.rule_hits": """
                select $1 as rule_id, '1' as rule_version, 'claim' as subject_type,
                    $2 as subject_id, $4 as transaction_id, $3::timestamp as occurred_at,
                    $3::date as occurred_on, $5::double as observed_value, false as is_suppressed
            """,
            "intermediate.int_claims": """
                select $2 as claim_id, $4 as transaction_id, $3::timestamp as submitted_at,
                    $5::double as amount, 'e40' as employee_id
                where $2 not in (select claim_id from intermediate.int_claims)
                    and $1 is not null
            """,
        }.items():
            self.execute(
                f"insert into {table} by name {query}", [rule, claim, at, transaction, amount]
            )

    def run(self, until: date, seed: str = "seed") -> None:
        """Propose all days that are not issued yet, and issue them."""
        last = self.execute("select max(issued_until) from ledger.issues")[0][0]
        first = last + timedelta(days=1) if last else MONDAY
        self.execute("delete from run.build_window")
        self.execute(
            """
            insert into run.build_window by name
            select $1::date as changed_from, $1::date as built_from, $2::date as built_until,
                $2::date as cleared_until, 1 as latest_load_id
            """,
            [first, until],
        )
        self.execute("update raw.run_state set audit_seed = ?", [seed])
        self.build("run", "working_days")
        for model in ("unsettled_subjects", "alert_candidates", "review_seats"):
            self.build("alerts", model)
        days = self.execute("select review_date from alerts.review_seats order by review_date")
        for model in ("audit_confirmations", "alert_queue"):
            self.execute(f"delete from alerts.{model}")
            sql = self.sql("alerts", model)
            for (day,) in days:
                self.execute(f"set variable walked_day = date '{day}'")
                self.execute(f"insert into alerts.{model} {sql}")
        for model in (
            "review_probabilities",
            "below_the_line",
            "mandatory_backlog",
            "policy",
            "proposed_subjects",
            "proposed_rule_reasons",
            "proposed_model_reasons",
            "proposed_alert_reasons",
            "proposed_alerts",
        ):
            self.build("alerts", model)
        issue(self._connection, self.home)

    def sql(self, folder: str, model: str) -> str:
        """A model's query, as dbt compiled it."""
        (file,) = self._compiled.glob(f"**/models/{folder}/{model}.sql")
        return file.read_text(encoding="utf-8")

    def build(self, folder: str, model: str) -> None:
        """Build a model's table anew."""
        sql = self.sql(folder, model)
        self.execute(f"create or replace table {folder}.{model} as {sql}")
