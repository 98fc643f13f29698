"""What the desk accepts the warehouse accepts too, once it is landed and loaded; and no more."""

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.model_sql import model_sql
from orchestration.engine.rows import named_rows
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.review.case_life import MODELS, open_cases
from orchestration.review.desk import Done, Request, act
from orchestration.review.event_files import FEED, SOURCE, ReviewEvent
from orchestration.review.words import DECISIONS
from tests.orchestration.review.by_hand import publish

EVENTS = (
    *("assigned", "assigned", "explanation_requested", "explanation_received", "escalated"),
    *("cleared", "inconclusive", "recovery_ordered", "recovery_ordered", "recovered", "reopened"),
)


class Warehouse:
    """The models of a case over what the real loader makes of the landing folder."""

    def __init__(self, home: Home) -> None:
        self.connection = duckdb.connect()
        feeds = [find_feed(read_feeds(), SOURCE, FEED)]
        prepare_raw(self.connection, feeds)
        self.connection.execute(f"""
            set threads = 1;
            attach '{home.published_copy}' as cardwatch (read_only);
            insert into raw.load_manifest by name from cardwatch.load_manifest;
            create view alerts as
                select *, opened_on as alert_date from cardwatch.cases;
            create view build_window as select max(as_of) as built_until from cardwatch.cases;
        """)
        files = load_landed(self.connection, home, feeds)
        assert [file.rows_quarantined for file in files] == [0] * len(files)
        published = (
            *("case_members", "case_conflicts", "case_transitions", "case_deadlines"),
            "working_days",
        )
        self.relations = {name: f"cardwatch.{name}" for name in published} | {
            "ledger.alerts": "alerts",
            "ledger.case_members": "cardwatch.case_members",
            "company.review_events": "raw.company__review_events",
        }
        for model in ("stg_company__review_events", "stg_review_events", *MODELS, "build_window"):
            self.relations[model] = model
        for model in ("stg_company__review_events", "stg_review_events", *MODELS):
            self.connection.execute(f"create view {model} as {model_sql(model, self.relations)}")

    def rows(self, query: str) -> list[dict[str, Any]]:
        return named_rows(self.connection, query)

    def reasons_against(self, events: Sequence[ReviewEvent], landed_before: int) -> list[str]:
        """Why it would refuse events that were landed after so many others, and before the rest."""
        columns = [field.name for field in fields(ReviewEvent)]
        self.connection.execute(f"""
            create or replace table tried as
            select * from stg_review_events
            order by load_id, load_line limit {landed_before}
        """)
        for line, event in enumerate(events):
            self.connection.execute(
                f"insert into tried ({', '.join(columns)}, load_id, load_line)"
                f" values ({'?, ' * len(columns)} 1000, {line})",
                list(astuple(event)),
            )
        sql = model_sql("case_events", self.relations | {"stg_review_events": "tried"})
        found = self.rows(f"select rejected_because as reason from ({sql}) where load_id = 1000")
        return [row["reason"] for row in found if row["reason"]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("desk") / "home")
    home.create()
    publish(home)
    return home


#: Who mostly works on which case; the last ones may not.
WHO = (
    *[("aaab2222", "R2"), ("bbbb3333", "R3"), ("aaab2222", "r2 ")] * 4,
    *[("aaaa1111", "R1"), ("aaab2222", "E2"), ("aaab2222", "R3"), ("bbbb3333", "R2")],
)
BEGINNING = (
    (Request("aaab2222", "assigned", "R2"), 1),
    (Request("bbbb3333", "assigned", "R3"), 1),
)


def about(who: tuple[str, str], event: str, details: dict[str, Any]) -> Request:
    """A request with those details that its event has."""
    has = {
        "reason": event == "cleared",
        "amount": event in ("recovery_ordered", "recovered"),
        "purchases": event in DECISIONS,
        "is_last": event == "recovered",
    }
    return Request(who[0], event, who[1], **{name: details[name] for name in has if has[name]})


def steps() -> st.SearchStrategy[tuple[Request, int]]:
    """A request, and the hours since the one before: mostly what makes sense."""
    details = st.fixed_dictionaries(
        {
            "reason": st.sampled_from(["explained", "false_alarm", "explained", None]),
            "amount": st.sampled_from([None, 100.1, 30000, 70000, 140000, 0]),
            "purchases": st.sampled_from([(), (), ("t2",), ("t9",), ("t1",)]),
            "is_last": st.booleans(),
        }
    )
    requests = st.builds(about, st.sampled_from(WHO), st.sampled_from(EVENTS), details)
    return st.tuples(requests, st.sampled_from([1, 1, 1, 1, 1, 30, -2]))


def test_the_desk_accepts_what_the_warehouse_accepts(home: Home):
    outcomes: Counter[str] = Counter()

    @settings(max_examples=8, deadline=None)
    @given(asked=st.lists(steps(), min_size=5, max_size=7))
    def the_law_holds(asked: list[tuple[Request, int]]) -> None:
        outcomes.update(compare(home, [*BEGINNING, *asked]))

    the_law_holds()
    assert outcomes["accepted"] > 20
    assert outcomes["refused by the warehouse too"] > 10
    assert outcomes["refused by the desk alone"] > 0


def compare(home: Home, asked: Sequence[tuple[Request, int]]) -> Iterator[str]:
    """Do what is asked at the desk, and say of each request what became of it."""
    shutil.rmtree(home.landing, ignore_errors=True)
    at = datetime(2025, 5, 5, 9)
    accepted: list[Done] = []
    refused: list[tuple[str, list[ReviewEvent], int]] = []
    for request, hours in asked:
        at += timedelta(hours=hours)
        request = replace(request, at=at)
        try:
            accepted += act(home, request)
        except CardwatchError as error:
            with open_cases(home, request.case) as life:
                events = request.events(life.case())
            refused.append((str(error), events, len(accepted)))

    warehouse = Warehouse(home)
    loaded = warehouse.rows("from case_events order by load_id, load_line")
    assert [row["rejected_because"] for row in loaded] == [None] * len(accepted)
    assert [(row["event_id"], row["state_before"], row["state_after"]) for row in loaded] == [
        (done.event_id, done.state_before, done.state) for done in accepted
    ]
    # every column of every case: whose it is, deadline, money
    with open_cases(home) as life:
        as_the_desk_sees_them = life.rows("from temp.cases order by case_id")
    assert as_the_desk_sees_them == warehouse.rows("from cases order by case_id")
    yield from ["accepted"] * len(accepted)
    for sentence, events, landed_before in refused:
        reasons = warehouse.reasons_against(events, landed_before)
        if reasons:
            assert reasons[0] in sentence
            yield "refused by the warehouse too"
        else:
            # the warehouse takes an amount as a file says it
            assert "--amount" in sentence
            yield "refused by the desk alone"
