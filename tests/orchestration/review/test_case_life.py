"""The warehouse's SQL at the desk: of one case it says what it says of all."""

import csv
from datetime import datetime

import pytest

from orchestration.engine.home import Home
from orchestration.review.case_life import open_cases
from orchestration.review.event_files import ReviewEvent, land_events


def event(event_id: str, case_id: str, name: str, actor_id: str, **details: str) -> ReviewEvent:
    return ReviewEvent(event_id, case_id, name, datetime(2025, 5, 6, 9), actor_id, **details)


@pytest.mark.parametrize("case_id", ["aaaa1111", "aaab2222", "bbbb3333", "cccc4444"])
def test_one_case_is_judged_as_among_all(home: Home, case_id: str):
    land_events(
        home,
        [
            event("V1", "cccc4444", "assigned", "R2"),
            # it arrived before, for another case
            event("V1", "aaab2222", "assigned", "R4"),
            event("V2", "bbbb3333", "assigned", "R5"),
            # bound to the other review
            event("V3", "aaab2222", "assigned", "R5"),
            event("V4", "aaab2222", "assigned", "R2"),
            event("V5", "zzzz9999", "assigned", "R2"),
        ],
    )
    land_events(
        home,
        [
            event("V6", "aaab2222", "recovery_ordered", "R2", transaction_id="t9"),
            event("V5", "aaaa1111", "assigned", "R2"),
            event("V2", "cccc4444", "inconclusive", "R2"),
            event("V7", "cccc4444", "inconclusive", "R2"),
        ],
    )
    queries = [
        f"from temp.{model} where case_id = '{case_id}' order by all"
        for model in ("case_events", "case_decisions", "cases")
    ]
    with open_cases(home) as everything, open_cases(home, case_id) as alone:
        for query in queries:
            assert alone.rows(query) == everything.rows(query)
        refused = "select count(*) as n from temp.case_events where not is_accepted"
        assert everything.rows(refused) == [{"n": 5}]


def test_a_file_that_no_run_can_load_keeps_nobody_from_reviewing(home: Home):
    landed = land_events(home, [event("V1", "aaab2222", "assigned", "R2")])
    with landed.with_name("zzz.csv").open("w", encoding="utf-8") as stream:
        csv.writer(stream).writerow(["nothing", "of", "the", "feed"])
    with open_cases(home, "aaab") as life:
        assert life.case()["reviewer_id"] == "R2"
