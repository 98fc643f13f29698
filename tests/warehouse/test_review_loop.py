"""Reviewers answer the demo company's queue; the next run reads what they decided."""

from datetime import date

import pytest

from orchestration.case_fold import Case, CaseFold, ReviewEvent
from orchestration.demo_company.reviewers import answer_queue
from orchestration.home import Home
from tests.warehouse.conftest import copy_of, rows, succeed


@pytest.fixture(scope="module")
def answered(walked: tuple[Home, Home], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home of the first half, its queue answered, after a run over the rest."""
    home = copy_of(walked[0], tmp_path_factory.mktemp("answered") / "home")
    assert answer_queue(home, date(2025, 12, 31)) > 100
    assert answer_queue(home, date(2025, 12, 31)) == 0  # nothing is said twice
    succeed(home, "run")
    return home


def test_decisions_become_labels_that_the_tree_learns_from(
    answered: Home, walked: tuple[Home, Home]
):
    outcomes = dict(
        rows(
            answered,
            "select outcome, count(*) from labels.label_decisions where origin = 'review'"
            " group by outcome",
        )
    )
    assert set(outcomes) == {"explained", "recovery_ordered"}

    def learned(home: Home) -> list[tuple[object, ...]]:
        return rows(
            home,
            """
            select sum(positive_labels + negative_labels) from ledger.detector_versions
            where detector = 'gradient_boosted_tree' and fitted_on = date '2025-12-01'
            """,
        )

    assert learned(answered)[0][0] > learned(walked[1])[0][0]  # type: ignore[operator]


def test_every_history_replays_to_the_state_of_its_case(answered: Home):
    transitions = {
        (str(state), str(event)): str(following)
        for state, event, following in rows(answered, "from seeds.case_transitions")
    }
    cases = rows(answered, "select case_id, second_of, alert_date from ledger.alerts")
    members = rows(
        answered,
        "select case_id, transaction_id, joined_on from ledger.case_members"
        " where transaction_id is not null",
    )
    fold = CaseFold(
        [Case(*case) for case in cases],  # type: ignore[arg-type]
        transitions,
        {},
        {(case, transaction): joined for case, transaction, joined in members},  # type: ignore[misc]
    )
    events = rows(
        answered,
        """
        select event_id, case_id, event, occurred_at, actor_id, reason, note, amount,
            transaction_id, load_id, load_line
        from staging.stg_review_events
        order by load_id, occurred_at, load_line
        """,
    )
    judged = [fold.apply(ReviewEvent(*event)) for event in events]  # type: ignore[arg-type]
    assert not [each.rejected_because for each in judged if each.rejected_because]
    assert rows(answered, "select count(*) from cases.quarantined_events") == [(0,)]
    states = dict(rows(answered, "select case_id, state from cases.cases"))
    assert {case: standing.state for case, standing in fold.standing.items()} == states
    assert len(set(states.values()) & {"cleared", "recovered", "recovery_ordered", "new"}) >= 3


def test_two_reviews_of_a_case_are_compared_and_only_one_is_a_label(answered: Home):
    pairs = rows(answered, "select pair_count, kappa from cases.review_agreement")
    assert sum(row[0] for row in pairs) > 5  # type: ignore[misc]
    assert rows(
        answered,
        """
        select count(*) from labels.label_decisions
        where case_id in (select case_id from ledger.alerts where second_of is not null)
        """,
    ) == [(0,)]


def test_what_was_issued_before_stays(answered: Home, walked: tuple[Home, Home]):
    for table in ("alerts", "scores", "case_members"):
        first = f"from ledger.{table} where issue_id = 1 order by all"
        assert rows(answered, first) == rows(walked[0], first)
