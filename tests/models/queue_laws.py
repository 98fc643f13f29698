"""What holds of every queue, and the purchases of an ordinary day."""

import numpy as np

from tests.models.rehearsed_queue import Purchase, Queue

PERSON_HOURS = 72


def check_budget(queue: Queue, cases_per_day: int) -> None:
    """No day has more cases than seats, whatever the lane."""
    over = queue.execute(
        "select alert_date, count(*) from ledger.alerts group by 1 having count(*) > ?",
        [cases_per_day],
    )
    assert over == []
    assert queue.execute(
        "select count(*) = count(distinct case_id) and count(*) = count(distinct alert_id)"
        " from ledger.alerts"
    ) == [(True,)]


def check_nothing_dropped(queue: Queue) -> None:
    """A mandatory hit is in a case or in the backlog, and cases are served oldest first."""
    lost = queue.execute(
        """
        select transaction_id
        from scoring.risk
        where
            is_mandatory
            and transaction_id not in (
                select subject_id
                from ledger.case_members
                where case_id in (select case_id from ledger.alerts)
            )
            and transaction_id not in (select subject_id from alerts.mandatory_backlog)
            and transaction_date <= (select max(review_date) from alerts.review_seats)
        """
    )
    assert lost == []
    # a case without an alert is kept for a mandatory hit that waits
    assert queue.execute(
        """
        select count(distinct case_id) <= (select count(*) from alerts.mandatory_backlog)
        from ledger.case_members
        where case_id not in (select case_id from ledger.alerts)
        """
    ) == [(True,)]
    assert queue.execute(
        "select count(*) = count(distinct (case_id, subject_type, subject_id))"
        " from ledger.case_members"
    ) == [(True,)]


def check_probabilities(queue: Queue) -> None:
    """Every settled purchase has one; in a case it is 1; the audit draws what it promised."""
    assert queue.execute(
        "select count(*) from ledger.scores where review_probability not between 1e-9 and 1"
    ) == [(0,)]
    assert queue.execute(
        "select count(*) from ledger.scores where lane is not null and review_probability < 1"
    ) == [(0,)]
    settled = queue.execute(
        """
        select count(*) = count(distinct scores.transaction_id)
        from ledger.scores as scores
        """
    )
    assert settled == [(True,)]
    missing = queue.execute(
        """
        select risk.transaction_id
        from scoring.risk as risk
        anti join ledger.scores as scores using (transaction_id)
        inner join run.working_days as days on risk.transaction_date = days.day
        where days.next_working_day <= (select max(issued_until) from ledger.issues)
        """
    )
    assert missing == []


def usual(random: np.random.Generator, count: int, first: int = 0) -> list[Purchase]:
    """Purchases of one day, a twentieth of them worth a review."""
    return [
        Purchase(
            number=first + number,
            hour=int(random.integers(0, 24)),
            employee=int(random.integers(0, 400)),
            merchant=int(random.integers(0, 300)),
            amount=float(random.integers(1, 20) * 10_000),
            risk=float(random.choice([0.002, 0.5], p=[0.95, 0.05])),
            odd=float(random.choice([0.1, 2.0], p=[0.97, 0.03])),
            department=int(random.integers(0, 10)),
        )
        for number in range(count)
    ]
