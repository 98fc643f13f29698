"""A flood of hits stays within the seats, whatever brings it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.models.queue_laws import check_budget, check_nothing_dropped, check_probabilities, usual
from tests.models.rehearsed_queue import MONDAY, Purchase, Queue

#: What floods a day with a hundred times its usual hits.
FLOODS = {
    "anywhere": {},
    "one file": {},
    "mandatory rules": {"mandatory": True},
    "one merchant": {"merchant": 7},
    "one person": {"employee": 7},
    "one department": {"department": 7},
}


def check_below_the_line(made: Queue) -> None:
    """What nobody looks at on the flood's day is counted as it was scored."""
    counted = made.execute(
        "select sum(unreviewed_purchases), sum(expected_misuse) from ledger.below_the_line"
        " where review_date = date '2025-03-11'"
    )[0]
    expected = made.execute(
        """
        select count(*), sum(risk * amount) from ledger.scores
        where lane is null and transaction_date = date '2025-03-11'
        """
    )[0]
    assert counted[0] == expected[0]
    assert counted[1] == pytest.approx(expected[1])


@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_of_a_hundred_times_the_usual_hits_stays_within_the_seats(queue, kind):
    random = np.random.default_rng(1)
    made = queue(20)
    made.arrive(usual(random, 600))
    made.run(MONDAY)

    def tomorrow(rows: list[Purchase]) -> list[Purchase]:
        return [replace(row, hour=row.hour + 24) for row in rows]

    made.arrive(tomorrow(usual(random, 600, first=600)))
    flood = [
        replace(row, risk=0.9, amount=900_000.0, **FLOODS[kind])
        for row in usual(random, 3_000, first=2_000)
    ]
    made.arrive(tomorrow(flood), files=1 if kind == "one file" else 400)
    made.run(MONDAY + timedelta(days=1))
    check_budget(made, 20)
    check_nothing_dropped(made)
    check_probabilities(made)
    second_day = "alert_date = date '2025-03-11'"
    (drawn,) = made.execute(
        f"select count(*) from ledger.alerts where lane = 'audit' and {second_day}"
    )[0]
    assert drawn == 2  # a tenth of the seats, flood or not
    opened = made.execute(
        f"select count(*) from ledger.alerts where {second_day} and lane <> 'audit'"
    )[0][0]
    if kind in ("one file", "one merchant", "one person"):
        # one cause, one case; the rest of the day is served as ever
        largest = made.execute(
            "select max(n) from (select count(*) as n from ledger.case_members group by case_id)"
        )[0][0]
        assert largest > 2_900
        usual_purchases = made.execute(
            f"select count(*) from ledger.alerts where {second_day} and subject_id < 't002000'"
        )
        assert usual_purchases[0][0] > 10
    else:
        assert opened == 18  # all other seats are used
        people = made.execute(
            """
            select max(n) from (
                select count(distinct employee_id) as n from ledger.case_members
                where common_cause is null
                group by case_id
            )
            """
        )[0][0]
        assert people <= 10
    if kind == "one department":
        departments = made.execute(
            f"select count(distinct department_id) from ledger.alerts where {second_day}"
        )[0][0]
        assert departments > 1
    check_below_the_line(made)


def test_mandatory_hits_of_a_flood_are_served_oldest_first_until_the_last(queue):
    made = queue(10)
    flood = [
        Purchase(number, number % 24, number, number, 900_000.0, 0.9, mandatory=True)
        for number in range(40)
    ]
    made.arrive(flood, files=20)
    waiting = []
    for day in range(10):
        made.run(MONDAY + timedelta(days=day))
        waiting.append(made.execute("select count(*) from alerts.mandatory_backlog")[0][0])
    # eight seats a working day beside the audit and the second review; a weekend between
    assert waiting == [32, 24, 16, 8, 0, 0, 0, 0, 0, 0]
    order = made.execute(
        "select alert_date, max(occurred_at) from ledger.alerts where lane = 'mandatory'"
        " group by 1 order by 1"
    )
    assert [at for _, at in order] == sorted(at for _, at in order)
