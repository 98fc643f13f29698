"""The life of cases: the warehouse's own SQL, run over the published copy and new events.

What an event does to its case is written once, in the models named in MODELS. A run builds them in
the warehouse. Here the same files are run in memory over the published copy, the events that have
landed since, and those that a reviewer is about to append, so that a reviewer reads now what the
next run will say.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import duckdb

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.model_sql import model_sql
from orchestration.engine.published import open_published
from orchestration.engine.rows import named_rows
from orchestration.review.event_files import FEED, SOURCE, ReviewEvent, pending_rows

#: The models that say what events do, each after those that it reads.
MODELS = ("case_events", "case_decisions", "cases")

# What they read -> where it is here. The published copy is the catalogue `cardwatch`.
_RELATIONS = {
    "ledger.alerts": "temp.issued_cases",
    # members of second reviews, which only the published table has, are not looked up
    "ledger.case_members": "cardwatch.case_members",
    "case_members": "cardwatch.case_members",
    "case_conflicts": "cardwatch.case_conflicts",
    "case_transitions": "cardwatch.case_transitions",
    "case_deadlines": "cardwatch.case_deadlines",
    "working_days": "cardwatch.working_days",
    "build_window": "temp.build_window",
    "stg_review_events": "temp.review_events",
    **{model: f"temp.{model}" for model in MODELS},
}

_INPUTS = """
    create temp table issued_cases as
        select
            case_id, alert_id, lane, second_of, opened_on as alert_date, place, employee_id,
            department_id, currency
        from cardwatch.cases;
    create temp table build_window as
        select max(as_of) as built_until from cardwatch.cases;
    create temp table review_events as
        select
            event_id, case_id, event, occurred_at, actor_id, reason, note, amount, transaction_id,
            load_id, load_line
        from cardwatch.case_events
        union all
        select
            event_id, case_id, event, occurred_at, actor_id, reason, note, amount, transaction_id,
            load_id, line
        from cardwatch.quarantined_events;
"""

# The rows of files, as one parameter.
_ARRIVAL = """
    insert into temp.review_events by name
    select unnest($1::struct(
        event_id varchar, case_id varchar, event varchar, occurred_at timestamp, actor_id varchar,
        reason varchar, note varchar, amount decimal(18, 4), transaction_id varchar,
        load_id bigint, load_line bigint
    )[], recursive := true)
"""

# Both reviews of the case, and the events that bear on them: their own, and whatever arrived under
# the identifier of one of those, of which the first counts.
_ONLY_ITS_REVIEWS = """
    delete from temp.issued_cases
    where coalesce(second_of, case_id) <> (
        select coalesce(second_of, case_id) from temp.issued_cases where case_id = $1
    )
"""
_ONLY_ITS_EVENTS = """
    delete from temp.review_events
    where event_id not in (
        select event_id from temp.review_events
        where case_id in (select case_id from temp.issued_cases)
    )
"""


class CaseLife:
    """Cases as they stand: the published ones, moved on by the events that landed since."""

    def __init__(self, home: Home, published: duckdb.DuckDBPyConnection, named: str | None) -> None:
        """Run the models over an open published copy, for all cases or for the one that is named.

        After it `temp.case_events`, `temp.case_decisions` and `temp.cases` are what these models
        are in the warehouse.
        """
        self._published = published
        published.execute(_INPUTS)
        known = self.rows("select source, feed, file, load_id from cardwatch.load_manifest")
        loaded = {row["file"] for row in known if (row["source"], row["feed"]) == (SOURCE, FEED)}
        self._next_load_id = 1 + max((row["load_id"] for row in known), default=0)
        self._arrive(pending_rows(home, loaded))
        if named is not None:
            self.case_id = self._find(named)
            published.execute(_ONLY_ITS_REVIEWS, [self.case_id])
            published.execute(_ONLY_ITS_EVENTS)
        self._run_models()

    def rows(self, query: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Rows of a query over the published copy and the models."""
        return named_rows(self._published, query, parameters)

    def case(self) -> dict[str, Any]:
        """The row of `cases` of the case that was named."""
        return self.rows("select * from temp.cases where case_id = $1", [self.case_id])[0]

    def append(self, events: Sequence[ReviewEvent]) -> list[dict[str, Any]]:
        """Let the events of one file arrive; return what `case_events` says of each, in order."""
        load_id = self._next_load_id
        rows = [{**asdict(event), "load_line": line} for line, event in enumerate(events)]
        self._arrive([rows])
        self._run_models()
        return self.rows(
            "select * from temp.case_events where load_id = $1 order by load_line", [load_id]
        )

    def _arrive(self, files: Sequence[Sequence[Mapping[str, Any]]]) -> None:
        """Add the rows of files, each of which is a load of its own."""
        rows = [
            {**row, "load_id": load_id}
            for load_id, file in enumerate(files, start=self._next_load_id)
            for row in file
        ]
        self._next_load_id += len(files)
        if rows:
            self._published.execute(_ARRIVAL, [rows])

    def _find(self, named: str) -> str:
        """Return the case that an identifier, or the beginning of only one, names."""
        found = [
            row["case_id"]
            for row in self.rows(
                """
                select case_id from temp.issued_cases
                where case_id = $1 or (starts_with(case_id, lower($1)) and $1 <> '')
                order by case_id = $1 desc, case_id
                """,
                [named],
            )
        ]
        if not found:
            raise CardwatchError(f"there is no case {named!r}; `cardwatch review queue` lists some")
        if found[0] != named and len(found) > 1:
            shown = ", ".join(case[: len(named) + 4] for case in found[:3])
            raise CardwatchError(
                f"{named!r} begins {len(found)} cases ({shown}, …); write more of it"
            )
        return str(found[0])

    def _run_models(self) -> None:
        for model in MODELS:
            self._published.execute(
                f"create or replace temp table {model} as {model_sql(model, _RELATIONS)}"
            )


@contextmanager
def open_cases(home: Home, named: str | None = None) -> Iterator[CaseLife]:
    """Open the cases as they stand: all of them, or those alone that review what is named.

    named: a case, or the beginning of the identifier of only one. Raises CardwatchError where
    nothing is published, an older version published it, or there is no such case.
    """
    with open_published(home) as published:
        try:
            life = CaseLife(home, published, named)
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise CardwatchError(
                "the published copy was made by an older version; run `cardwatch run` first"
            ) from error
        yield life


def money_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """From a row of `cases`: what was ordered back of a case and what came, in its currency."""
    return {
        "ordered": case["recovery_ordered_amount"] or 0,
        "recovered": case["recovered_amount"] or 0,
        "currency": case["currency"],
    }
