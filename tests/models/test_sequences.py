"""Sequences of runs that went wrong once, and whose end is one full build."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.models.model_steps import (
    Project,
    Row,
    Warehouse,
    first_difference,
)
from tests.models.tiny_company import (
    COMPANY,
    DAY,
    PAST,
    Land,
    Run,
    Step,
    TakeBack,
    absence,
    card,
    decision,
    moment,
    outcomes,
    purchase,
    some,
)
from tests.models.walks import Homes, Walk, difference_from_full_build, examples

# --- sequences that went wrong once ---------------------------------------------------------------

MONTH = Land((purchase(8, 1, 1, 31), purchase(9, 0, 0, 31)))


def review(
    case: str, day: int, event: str = "cleared", member: int | None = None, name: int = 0
) -> Row:
    values = {"event_id": f"v{name}", "case_id": case, "event": event, "reason": "explained"}
    values |= {"actor_id": "reviewer", "occurred_at": moment(day, 50_000)}
    return Row("review_events", values | {"transaction_id": member})


def claim(number: int, day: int, **others: Any) -> Row:
    values = {"claim_id": f"x{number}", "employee_id": "e0", "amount": 1_000}
    return Row("expense_claims", values | {"submitted_at": moment(day, 50_000)} | others)


# a holder who buys every other day, in two categories, and in the last week in a third
HABITS = (
    *(purchase(f"u{day}", 0, day // 2 % 2, day) for day in range(0, 90, 2)),
    *(purchase(f"u{day}", 1, 2, day, amount=3_000 + day) for day in range(90, 98)),
)

# three purchases of one case, which is there to be reviewed from day 32 on
OF_ONE_CASE = (
    *COMPANY,
    *(purchase(number, 0, 0, 30, 33_300 + 900 * number) for number in range(3)),
    *MONTH.rows,
)
REVIEWED = f"c0|m0|{moment(30).date()}"
# what reads the decisions, and lets the days of all of them be built
LATER = Land(tuple(purchase(f"n{day}", 0, 0, day) for day in range(33, 40)))
findings = st.tuples(
    some(32, 37),
    outcomes,
    st.sampled_from((None, None, 0, 1)),
)
# decisions in any number of runs; some are taken back
reviewed_steps = st.builds(
    lambda found, cuts: (
        Land(OF_ONE_CASE),
        Run(),
        LATER,
        *(
            step
            for number, (day, event, member) in enumerate(found)
            for step in (
                Land((review(REVIEWED, day, event, member, number),)),
                *cuts[number],
            )
        ),
        Run(),
    ),
    st.lists(findings, min_size=4, max_size=6).map(
        lambda found: sorted(found, key=lambda each: each[0])
    ),
    st.lists(
        st.sampled_from(((Run(),), (Run(),), (), (TakeBack(), Run()))), min_size=6, max_size=6
    ),
)


@examples
@given(steps=reviewed_steps)
def test_findings_in_any_order_of_runs_end_as_one_full_build(
    recorded: Project, homes: Homes, steps: tuple[Step, ...]
):
    difference = difference_from_full_build(recorded, homes.new(), steps)
    assert difference is None, difference


SEQUENCES = {
    "nothing but registers has landed": (Land(COMPANY), Run(), Run()),
    "decision before the first transaction": (
        Land((*COMPANY, purchase(0, 0, 0, 3), decision(0, False, 1))),
        Run(),
    ),
    "claim before the first transaction": (
        Land((*COMPANY, purchase(0, 0, 0, 3), claim(0, 1))),
        Run(),
    ),
    "decision taken back word for word": (
        Land((*COMPANY, purchase(0, 0, 0, 0), decision(0, True, 8), *MONTH.rows)),
        Run(),
        Land((decision(0, False, 8),)),
        Run(),
        Land((decision(0, True, 8), decision(9, True, 32))),
        Run(),
    ),
    "card limit taken back word for word": (
        Land((*COMPANY, purchase(0, 0, 0, 0), *MONTH.rows)),
        Run(),
        Land((card(0, single_limit=20_000, monthly_limit=50_000),)),
        Run(),
        Land((card(0, single_limit=10_000, monthly_limit=50_000), card(3, 90))),
        Run(),
    ),
    "transaction moved back word for word": (
        Land((*COMPANY, purchase(0, 1, 1, 8), *MONTH.rows)),
        Run(),
        Land((purchase(0, 1, 1, 9),)),
        Run(),
        Land((purchase(0, 1, 1, 8), purchase(7, 1, 1, 31))),
        Run(),
    ),
    "claim moved back word for word": (
        Land((*COMPANY, claim(0, 8), *MONTH.rows)),
        Run(),
        Land((claim(0, 9),)),
        Run(),
        Land((claim(0, 8), claim(1, 31))),
        Run(),
    ),
    "all that a run began on is taken back": (
        Land((*COMPANY, *MONTH.rows)),
        Run(breaks_off_after=29),
        TakeBack(),
        Run(),
        Land((*COMPANY, purchase(1, 0, 0, 60))),
        Run(),
    ),
    "first absence and trip come late": (
        Land((*COMPANY, purchase(0, 0, 0, 3), *MONTH.rows)),
        Run(),
        Land((absence("absences", 1, 31, 2, "leave"), absence("trips", 1, 31, 2, "Busan"))),
        Run(),
    ),
    "decision precedes its purchase": (
        Land((*COMPANY, purchase(0, 0, 0, 14), decision(0, True, 8), *MONTH.rows)),
        Run(until=9),
        Run(),
    ),
    "purchases that change the last week come late": (
        Land((*COMPANY, *HABITS)),
        Run(until=92),
        Run(),
        Land((purchase(1, 0, 0, 95), purchase(2, 0, 1, 40, amount=70_000))),
        Run(),
    ),
    "a case grows after its review": (
        Land((*COMPANY, purchase(0, 0, 0, 30), *MONTH.rows)),
        Run(),
        Land((review(f"c0|m0|{moment(30).date()}", 32),)),
        Run(),
        Land((purchase(1, 0, 0, 30, 33_300), purchase(2, 0, 0, 33))),
        Run(),
        Run(),
    ),
    "findings before and after the decision on their case": (
        Land(OF_ONE_CASE),
        Run(),
        LATER,
        Land((review(REVIEWED, 32, "recovery_ordered", 0, 0),)),
        Run(),
        Land((review(REVIEWED, 33, "inconclusive", 1, 1), review(REVIEWED, 34, name=2))),
        Run(),
        Land((review(REVIEWED, 35, "recovery_ordered", 2, 3),)),
        Run(),
        Land((review(REVIEWED, 36, "recovery_ordered", None, 4),)),
        Run(),
    ),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence(recorded: Project, homes: Homes, name: str):
    difference = difference_from_full_build(recorded, homes.new(), SEQUENCES[name])
    assert difference is None, difference


# One claim of each kind that a rule looks for, each found in a run after the one with what it goes
# with: two employees share a bill, hand it in again, and approve each other.
CLAIMED = (
    Land((*COMPANY, purchase(0, 0, 0, 30, 36_000), purchase(1, 2, 0, 30, 36_600), *MONTH.rows)),
    Run(),
    Land(
        (
            claim(0, 30, transaction_id="t0", payment="card", receipt_no="r1", approver_id="e1"),
            claim(1, 31, amount=9_500, account_code="meals", purpose="per diem", payment="cash"),
            purchase(2, 1, 1, 60),
        )
    ),
    Run(),
    Land(
        (
            claim(
                2, 60, transaction_id="t0", payment="card", receipt_no="r2", account_code="meals"
            ),
            claim(3, 60, amount=9_600, account_code="meals", purpose="dinner", payment="cash"),
            claim(4, 60, payment="cash", purpose="상품권"),
            claim(5, 60, employee_id="e1", receipt_no="r1", approver_id="e0"),
            claim(6, 61, transaction_id="t1", employee_id="e1", payment="card", purpose="overtime"),
            purchase(3, 1, 1, 91),
        )
    ),
    Run(),
    # what a search found is moved away, and back
    Land((claim(0, 92, transaction_id="t0", receipt_no="r1"), purchase(4, 1, 1, 92))),
    Run(),
    Land(
        (claim(0, 29, transaction_id="t0", receipt_no="r1"), claim(1, 120), purchase(5, 1, 1, 120))
    ),
    Run(),
)


@pytest.mark.parametrize("runs", [6, 8, 10])
def test_what_claims_repeat_is_found_run_by_run(recorded: Project, homes: Homes, runs: int):
    steps = CLAIMED[:runs]
    difference = difference_from_full_build(recorded, homes.new(), steps)
    assert difference is None, difference
    with Warehouse(recorded, homes.new()) as warehouse:
        Walk(warehouse).take(CLAIMED[:6])
        found = warehouse.tables()
    searches = [name for name in found if name.startswith("feat_claim")]
    assert len(searches) > 5
    assert [name for name in searches if not found[name].rows] == []


def test_a_file_that_is_taken_back_leaves_nothing(recorded: Project, homes: Homes):
    with Warehouse(recorded, homes.new()) as warehouse:
        walk = Walk(warehouse)
        walk.take((Land((*COMPANY, *MONTH.rows)), Run(), Land((purchase(1, 0, 0, 60),))))
        walk.take((Run(breaks_off_after=len(recorded.models)), TakeBack(), Run()))
        walked = warehouse.tables()
        warehouse.build_whole()
        assert first_difference(walked.values(), warehouse.tables()) is None


def test_a_run_that_ends_earlier_than_one_that_broke_off_leaves_no_later_day(
    recorded: Project, homes: Homes
):
    last = moment(9).date()
    with Warehouse(recorded, homes.new()) as warehouse:
        walk = Walk(warehouse)
        walk.take((Land((*COMPANY, *PAST[:20])), Run(breaks_off_after=len(recorded.models))))
        assert warehouse.tables()["feat_transaction"].between(last + DAY, date.max).rows
        walk.take((Run(until=9),))
        for name, table in warehouse.tables().items():
            assert table.between(last + DAY, date.max).rows == (), name
