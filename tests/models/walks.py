"""Walks of runs over the tiny company, on the statements that dbt itself sends."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings

from tests.models.model_steps import (
    Project,
    Row,
    Table,
    Warehouse,
    Window,
    first_difference,
)
from tests.models.tiny_company import (
    COMPANY,
    DAY,
    Land,
    Run,
    Step,
    TakeBack,
    moment,
)

PROFILE = os.environ.get("CARDWATCH_HYPOTHESIS_PROFILE", "cardwatch")
_COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": False}
settings.register_profile("cardwatch", max_examples=3, derandomize=True, **_COMMON)
settings.register_profile("many", max_examples=300, **_COMMON)
examples = settings(settings.get_profile(PROFILE))


class Homes:
    """Gives every example a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.given = 0

    def __repr__(self) -> str:
        return "<homes>"

    def new(self) -> Path:
        self.given += 1
        return self.folder / str(self.given)


@dataclass(frozen=True)
class Stale:
    """Days on which a transaction's features stay what they were, until somebody asks for them."""

    first: date
    last: date


class Walk:
    """Takes the steps on a warehouse and keeps account of what has to be in it."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.stale: Stale | None = None
        self.window: Window | None = None
        self.before: dict[str, Table] = {}
        self.removable: list[Path] = []

    def take(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if isinstance(step, Land):
                rows = list(self._possible(step.rows))
                placed = self.warehouse.place(rows)
                self.removable += placed
            elif isinstance(step, TakeBack):
                if self.removable:
                    self.removable.pop().unlink()
            else:
                self._run(step)

    def _possible(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Leave out reviews of cases that were never issued: nobody could have seen them.

        Whoever decides a case takes it first, again if it was decided before. A finding is about
        one of its purchases, by their number.
        """
        issued: dict[str, list[str]] = {}
        for case, member in self.warehouse.values(
            "select case_id, transaction_id from ledger.case_members order by all"
        ):
            issued.setdefault(case, []).append(member)
        for row in rows:
            if row.feed != "review_events":
                yield row
                continue
            members = issued.get(row.values["case_id"])
            if members is None:
                continue
            number = row.values["transaction_id"]
            about = None if number is None else members[number % len(members)]
            for event in ("assigned", "reopened"):
                event_id = f"{row.values['event_id']} {event}"
                values = {"event": event, "event_id": event_id, "transaction_id": None}
                yield Row("review_events", {**row.values, **values})
            yield Row("review_events", {**row.values, "transaction_id": about})

    def _run(self, run: Run) -> None:
        self.before = self.warehouse.tables()
        window = self.warehouse.run(
            moment(run.since).date() if run.since is not None else None,
            moment(run.until).date() if run.until is not None else None,
            run.breaks_off_after,
        )
        if run.breaks_off_after is not None:
            return
        self.window = window
        if window is None:
            return
        if self.stale is not None and (run.until is None or self.stale.last <= window.built_until):
            last = min(self.stale.last, window.built_from - timedelta(days=1))
            self.stale = Stale(self.stale.first, last) if self.stale.first <= last else None
        if window.changed_from < window.built_from:
            left = Stale(window.changed_from, window.built_from - timedelta(days=1))
            before = self.stale or left
            self.stale = Stale(min(before.first, left.first), max(before.last, left.last))

    def settled(self, table: Table, until: date) -> Table:
        """Keep the days that have to be as in a full build."""
        table = table.between(date.min, until)
        if self.stale is None or table.model.strategy == "changed_days":
            return table
        day = table.columns.index(table.model.day_column or "")
        kept = tuple(
            row for row in table.rows if not self.stale.first <= row[day] <= self.stale.last
        )
        return replace(table, rows=kept)


def told(steps: Iterable[Step]) -> str:
    lines = []
    for number, step in enumerate(steps, start=1):
        if isinstance(step, Land):
            begins = step.rows[: len(COMPANY)] == COMPANY
            past = len(step.rows) - len(COMPANY)
            rows = [f"COMPANY + PAST[:{past}]"] if begins else [repr(row) for row in step.rows]
            lines.append("\n       ".join([f"{number:4}. Land", *rows]))
        else:
            lines.append(f"{number:4}. {step}")
    return "\n".join(lines)


def difference_from_full_build(
    recorded: Project, folder: Path, steps: Sequence[Step]
) -> str | None:
    """Take the steps; say where the tables differ from those of one build of the same rows."""
    with Warehouse(recorded, folder) as warehouse:
        walk = Walk(warehouse)
        walk.take(steps)
        if walk.window is None:
            return None
        until = walk.window.built_until
        walked = warehouse.tables()
        # what nobody asked for stays what it was, but for days before all that has landed
        first, untouched = walk.window.first_day, walk.window.built_from - DAY
        difference = first_difference(
            [
                table.between(date.min, untouched)
                for table in walked.values()
                if table.model.strategy == "build_window"
            ],
            {name: table.between(first, untouched) for name, table in walk.before.items()},
        )
        if difference is None:
            last = steps[-1]
            asked = last.until if isinstance(last, Run) else None
            warehouse.build_whole(None if asked is None else moment(asked).date())
            full = warehouse.window()
            assert full is not None
            assert full.built_until == until
            difference = first_difference(
                [walk.settled(table, until) for table in walked.values()],
                {name: walk.settled(table, until) for name, table in warehouse.tables().items()},
            )
        return difference and f"{difference}\nafter these steps:\n{told(steps)}"
