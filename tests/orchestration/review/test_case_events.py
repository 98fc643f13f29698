"""What review events do to cases: each is judged by what came before it, and by that alone."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.engine.home import project_root
from orchestration.engine.model_sql import model_sql

CASES = ("C1", "C2", "S1")
EVENTS = (
    *("opened", "assigned", "explanation_requested", "explanation_received", "cleared"),
    *("inconclusive", "recovery_ordered", "recovered", "escalated", "reopened", "closed"),
    "recovered_in_part",
)


@dataclass(frozen=True)
class Landed:
    """A row of stg_review_events."""

    event_id: str
    case_id: str
    event: str | None
    occurred_at: datetime
    actor_id: str | None
    reason: str | None = None
    note: str | None = None
    amount: float | None = None
    transaction_id: str | None = None
    load_id: int = 0
    load_line: int = 0


def seed(name: str) -> list[dict[str, str]]:
    with (project_root() / "seeds" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


TRANSITIONS = {(row["state"], row["event"]): row["next_state"] for row in seed("case_transitions")}


class SqlFold:
    """The model case_events over tables in memory."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(f"""
            set threads = 1;
            create table case_transitions as
                from '{project_root() / "seeds" / "case_transitions.csv"}';
            create table alerts as select * from (values
                ('C1', null, date '2025-06-02'), ('C2', null, date '2025-06-03'),
                ('S1', 'C1', date '2025-06-04')
            ) as t (case_id, second_of, alert_date);
            create table case_conflicts as select * from (values
                ('C1', 'E1', 'own', date '2025-06-02', 0, null),
                ('S1', 'E1', 'own', date '2025-06-04', 0, null),
                ('S1', 'E1', 'manager', date '2025-06-04', 0, null),
                ('C1', 'R1', 'manager', date '2025-06-02', 2, 3),
                ('C2', 'R2', 'own', date '2025-06-05', 0, null)
            ) as t (case_id, person_id, because, holds_from, known_from_load_id,
                known_until_load_id);
            -- T1 twice, as itself and as what a later claim is about; a claim without a purchase
            create table case_members as select * from (values
                ('C1', 'T1', date '2025-06-02'), ('C1', 'T2', date '2025-06-05'),
                ('C2', 'T3', date '2025-06-03'), ('C1', null, date '2025-06-02'),
                ('C1', 'T1', date '2025-06-07')
            ) as t (case_id, transaction_id, joined_on);
            create table stg_review_events (
                event_id varchar, case_id varchar, event varchar, occurred_at timestamp,
                actor_id varchar, reason varchar, note varchar, amount decimal(18, 4),
                transaction_id varchar, load_id bigint, load_line bigint
            );
        """)
        named = ("case_transitions", "case_conflicts", "stg_review_events")
        relations = {"ledger.alerts": "alerts", "ledger.case_members": "case_members"}
        self.sql = model_sql("case_events", relations | {name: name for name in named})

    def judged(self, events: Sequence[Landed]) -> list[tuple[Any, ...]]:
        self.connection.execute("delete from stg_review_events")
        for event in events:
            self.connection.execute(
                "insert into stg_review_events values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                list(astuple(event)),
            )
        return self.connection.execute(
            "select load_id, load_line, event_number, state_before, state_after, rejected_because"
            f" from ({self.sql}) order by load_id, occurred_at, load_line"
        ).fetchall()


@pytest.fixture(scope="module")
def sql_fold() -> SqlFold:
    return SqlFold()


def moments() -> st.SearchStrategy[datetime]:
    return st.builds(
        lambda day, hour: datetime(2025, 6, day, hour), st.integers(1, 8), st.integers(9, 11)
    )


# mostly what makes sense, so that cases get far; now and then what does not
def event_rows() -> st.SearchStrategy[Landed]:
    return st.builds(
        Landed,
        event_id=st.integers(0, 30).map("V{}".format),
        case_id=st.sampled_from(["C1", "C1", "C1", "S1", "S1", "C2", "C9"]),
        event=st.sampled_from(EVENTS) | st.just("assigned") | st.sampled_from([None, ""]),
        occurred_at=moments(),
        actor_id=st.sampled_from(["R1", "R1", "R2", "r2 ", "R3", "E1", "e1", None, " "]),
        reason=st.sampled_from(["explained", "explained", "false_alarm", "enough", None]),
        amount=st.sampled_from([None, 100.0, 0.0, -5.0, 100.0]),
        transaction_id=st.sampled_from([None, None, None, None, "T1", "T1", "T2", "T3", "T9", ""]),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Landed]:
    """Events in loads of one to four, mostly one after the other in time."""
    rows = draw(st.lists(event_rows(), max_size=20))
    if draw(st.booleans()):
        days = sorted(row.occurred_at for row in rows)
        rows = [replace(row, occurred_at=at) for row, at in zip(rows, days, strict=True)]
    if draw(st.booleans()):
        rows = [replace(row, event_id=f"U{number}") for number, row in enumerate(rows)]
    events, load_id, line = [], 1, 1
    for row in rows:
        if draw(st.booleans()):
            load_id, line = load_id + 1, 1
        events.append(replace(row, load_id=load_id, load_line=line))
        line += 1
    return events


def walk(*steps: tuple[str, ...]) -> list[Landed]:
    """A history of one event an hour: case, event, actor, and the purchase of a finding."""
    return [
        Landed(
            f"W{number}",
            case_id,
            event,
            datetime(2025, 6, 6, 9 + number),
            actor,
            "explained" if event == "cleared" else None,
            None,
            100.0 if event == "recovered" else None,
            purchase[0] if purchase else None,
            number + 1,
            1,
        )
        for number, (case_id, event, actor, *purchase) in enumerate(steps)
    ]


@settings(max_examples=40, deadline=None)
@given(events=histories(), cut=st.integers(0, 20))
def test_what_arrives_later_changes_nothing_that_was_said_before(
    sql_fold: SqlFold, events: list[Landed], cut: int
):
    earlier = [event for event in events if event.load_id <= cut]
    said = sql_fold.judged(earlier)
    assert sql_fold.judged(events)[: len(said)] == said


@settings(max_examples=40, deadline=None)
@given(events=histories())
def test_history_replayed_event_by_event_gives_the_state(sql_fold: SqlFold, events: list[Landed]):
    """States follow one another as in the seed; what was not accepted moves nothing."""
    rows = dict(zip([(e.load_id, e.load_line) for e in events], events, strict=True))
    state = dict.fromkeys(CASES, "new")
    for load_id, line, _, before, after, rejected_because in sql_fold.judged(events):
        event = rows[load_id, line]
        if rejected_because is not None:
            assert before == after
            continue
        assert before == state[event.case_id]
        # a finding is legal where a decision on the case would be, and moves nothing
        moved_to = TRANSITIONS[before, str(event.event)]
        assert after == (moved_to if event.transaction_id is None else before)
        state[event.case_id] = after


def test_a_case_may_go_all_the_way(sql_fold: SqlFold):
    events = walk(
        ("C1", "assigned", "R2"),
        ("C1", "explanation_requested", "R2"),
        ("C1", "explanation_received", "E1"),
        ("C1", "recovery_ordered", "R2"),
        ("C1", "recovered", "R2"),
        ("C1", "recovered", "R2"),
        ("C1", "reopened", "R2"),
        ("C1", "cleared", "R2"),
    )
    judged = sql_fold.judged(events)
    assert [row[4] for row in judged] == [
        "assigned",
        "explanation_requested",
        "explanation_received",
        "recovery_ordered",
        "recovered",
        "recovered",
        "reopened",
        "cleared",
    ]


def test_whoever_reviews_a_case_does_not_review_it_again(sql_fold: SqlFold):
    events = walk(
        ("S1", "assigned", "R3"),
        ("C1", "assigned", "R3"),
        ("C1", "assigned", "R2"),
        ("S1", "escalated", "R2"),
        ("S1", "cleared", "R3"),
    )
    refused = [row[5] is not None for row in sql_fold.judged(events)]
    assert refused == [False, True, False, True, False]


def test_a_finding_leaves_the_case_as_it_is(sql_fold: SqlFold):
    events = walk(
        ("C1", "recovery_ordered", "R2", "T1"),
        ("C1", "assigned", "R2"),
        ("C1", "recovery_ordered", "R2", "T1"),
        ("C1", "inconclusive", "R2", "T2"),
        ("C1", "cleared", "R2", "T1"),
        ("C1", "cleared", "R2", "T3"),
        ("C1", "escalated", "R2", "T1"),
        ("S1", "assigned", "R3"),
        ("S1", "cleared", "R3", "T1"),
        ("S1", "cleared", "R2", "T1"),
        ("C1", "cleared", "R2"),
        ("C1", "recovery_ordered", "R2", "T1"),
    )
    judged = sql_fold.judged(events)
    assert [(row[4], row[5]) for row in judged] == [
        ("new", "a case that is new cannot become recovery_ordered"),
        ("assigned", None),
        ("assigned", None),
        ("assigned", None),
        ("assigned", None),
        ("assigned", "purchase T3 is not in the case"),
        ("assigned", "only a decision is about one purchase"),
        ("assigned", None),
        ("assigned", None),
        ("assigned", "R2 works on the other review of this case, and two people do them"),
        ("cleared", None),
        ("cleared", "the case is already closed (cleared)"),
    ]


def test_every_state_that_is_not_closed_can_be_decided_once_somebody_has_it():
    states = {state for state, _ in TRANSITIONS} | set(TRANSITIONS.values())
    closed = {state for state, event in TRANSITIONS if event == "reopened"}
    assert closed == {"cleared", "inconclusive", "recovery_ordered", "recovered"}
    for state in states - closed - {"new"}:
        for decision in ("cleared", "inconclusive", "recovery_ordered"):
            assert TRANSITIONS[state, decision] == decision
    assert not any(("new", decision) in TRANSITIONS for decision in ("cleared", "inconclusive"))


def test_deadlines_are_those_of_states_in_which_something_is_awaited():
    states = {state for state, _ in TRANSITIONS}
    assert {row["state"] for row in seed("case_deadlines")} == (
        states - {"cleared", "inconclusive", "recovered"}
    )
    for row in seed("case_deadlines"):
        assert 0 < int(row["remind_before"]) < int(row["working_days"])
