"""A quarter of a small company: reviewers answer its queue each day, and the tree learns from them.

Day by day the real models queue and issue what is scored, reviewers with delay and mistakes send
their events, the real models turn these into states and labels, and on the first of a month the
real tree is fitted on what was decided. Only features and rules are made up: a rule that is seldom
right, and a pace of spending that only a tree can read.
"""

from dataclasses import astuple, fields
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

import detectors
from orchestration.demo_company.reviewers import Calendar, Event, Member, work
from orchestration.engine.home import Home
from tests.models.rehearsed_queue import MONDAY, Purchase, Queue
from tests.models.replay import replayed

DAYS = 11 * 7
A_DAY = 120
FEATURES = ("amount", "pace", "novelty")
CATALOGUE = pa.table(
    {
        "feature": list(FEATURES),
        "scale": ["log", "log", "linear"],
        **{flag: [True] * 3 for flag in ("in_tree", "in_anomaly", "in_peer", "in_collective")},
    }
)


class Quarter:
    """The company, its queue, its reviewers, and the tree of the month."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.misuse: set[str] = set()
        self.fitted: list[dict[str, object]] = []
        self._random = np.random.default_rng(11)
        self._features = pa.table({})
        self._versions = detectors.ARTEFACT_SCHEMA.empty_table()
        self._sent: set[str] = set()

    def live(self) -> None:
        """Every day: purchases are scored and queued, reviewers do what is due."""
        for number in range(DAYS):
            day = MONDAY + timedelta(days=number)
            self._read_decisions(day)
            if day.day == 1:
                self._fit(day)
            self.queue.arrive(self._scored(number, day))
            self.queue.run(day, seed=f"secret of {day}")
            self._review(number, day)
        self._read_decisions(day + timedelta(days=1))
        for model in ("case_members", "cases"):
            self.queue.build("cases", model)

    def _read_decisions(self, day: date) -> None:
        """Labels as they are known on the morning of a day."""
        window = "update run.build_window set changed_from = ?, built_until = ?"
        self.queue.execute(window, [MONDAY, day])
        for model in ("case_events", "label_decisions", "latest_decisions"):
            self.queue.build("labels", model)

    def _fit(self, day: date) -> None:
        """Fit the tree on what was decided before the day."""
        self.queue.execute(
            "create or replace table detectors.detector_schedule as"
            " select 'gradient_boosted_tree' as detector, ?::date as fitted_on",
            [day],
        )
        sample = pa.Table.from_pylist(
            [
                dict(zip(("transaction_id", "card_id", "misuse", "weight"), row, strict=True))
                for row in self.queue.execute(
                    "select transaction_id, card_id, misuse, weight from ("
                    + self.queue.sql("detectors", "detector_training_sample")
                    + ") order by transaction_id"
                )
            ]
        )
        training = sample.join(self._features, "transaction_id").sort_by("transaction_id")
        known = training["misuse"].to_pylist()
        self.fitted.append(
            {"day": day, "misuse": known.count(True), "innocent": known.count(False)}
        )
        fitted = detectors.fit_due(
            "gradient_boosted_tree",
            schedule=pa.table(
                {
                    "fitted_on": pa.array([day], pa.date32()),
                    "reason": ["schedule"],
                    "holdout_from": pa.array([None], pa.date32()),
                    "holdout_until": pa.array([None], pa.date32()),
                    "features_version": ["v1"],
                }
            ),
            issued=detectors.ARTEFACT_SCHEMA.empty_table(),
            promotions=detectors.PROMOTION_SCHEMA.empty_table(),
            features=CATALOGUE,
            parameters={"n_estimators": 60, "min_child_samples": 20},
            promotion="automatic",
            training=lambda _: training,
        )
        if fitted["is_promoted"][0].as_py():
            self._versions = fitted

    def _scored(self, number: int, day: date) -> list[Purchase]:
        """A day's purchases, with the risk from the tree or, before there is one, from the rule."""
        random = self._random
        misuse = random.random(A_DAY) < 0.04
        rule = random.random(A_DAY) < np.where(misuse, 0.4, 0.1)
        names = [f"t{number * A_DAY + row:06d}" for row in range(A_DAY)]
        features = pa.table(
            {
                "transaction_id": names,
                "transaction_date": pa.array([day] * A_DAY),
                "amount": np.round(random.lognormal(12, 0.6, A_DAY)),
                "pace": random.lognormal(1, 0.5, A_DAY) * np.where(misuse, 4, 1),
                "novelty": random.random(A_DAY),
            }
        )
        self._features = pa.concat_tables([self._features, features]) if number else features
        self.misuse |= {name for name, bad in zip(names, misuse, strict=True) if bad}
        risk = np.where(rule, 0.2, 0.004)
        if self._versions.num_rows:
            scored = pa.Table.from_batches(
                detectors.score(
                    "gradient_boosted_tree",
                    artefacts=self._versions,
                    batches=features.combine_chunks().to_batches(),
                )
            )
            probability = scored["probability"].to_numpy()
            risk = np.where(rule, np.maximum(probability, 0.05), probability)
        return [
            Purchase(
                number=number * A_DAY + row,
                hour=number * 24 + int(random.integers(8, 20)),
                employee=int(random.integers(0, 300)),
                merchant=int(random.integers(0, 300)),
                amount=float(features["amount"][row].as_py()),
                risk=float(risk[row]),
            )
            for row in range(A_DAY)
        ]

    def _review(self, number: int, day: date) -> None:
        """Send the events of the day, of all cases that are open."""
        calendar = Calendar(
            dict(
                self.queue.execute(
                    "select day, next_working_day from run.working_days"
                    " where next_working_day is not null"
                )
            )
        )
        cases = self.queue.execute(
            """
            select
                alerts.case_id, alerts.second_of, alerts.alert_date,
                list(row(members.transaction_id, members.joined_on, scores.amount)
                    order by members.transaction_id)
            from ledger.alerts as alerts
            inner join ledger.case_members as members
                on coalesce(alerts.second_of, alerts.case_id) = members.case_id
            inner join ledger.scores as scores
                on members.transaction_id = scores.transaction_id
            where alerts.alert_date > ?
            group by all
            """,
            [day - timedelta(days=75)],
        )
        due = [
            event
            for case_id, second_of, opened_on, members in cases
            for event in work(
                case_id,
                second_of,
                opened_on,
                [Member(*member, member[0] in self.misuse) for member in members],
                calendar,
            )
            if event.occurred_at.date() <= day and event.event_id not in self._sent
        ]
        due.sort(key=lambda event: (event.occurred_at, event.event_id))
        for line, event in enumerate(due):
            self._sent.add(event.event_id)
            columns = [field.name for field in fields(Event)]
            self.queue.execute(
                f"""
                insert into staging.stg_review_events ({", ".join(columns)}, load_id, load_line)
                values ({", ".join("?" * len(columns))}, ?, ?)
                """,
                [*astuple(event), number + 1, line],
            )

    def precision(self, first: date, until: date) -> float:
        """Share of the cases of a period with misuse, the audit's and second reviews aside."""
        rows = self.queue.execute(
            """
            select alerts.case_id, list(members.transaction_id)
            from ledger.alerts as alerts
            inner join ledger.case_members as members using (case_id)
            where
                alerts.lane not in ('audit', 'second_review')
                and alerts.alert_date between ? and ?
            group by alerts.case_id
            """,
            [first, until],
        )
        return sum(bool(self.misuse & set(members)) for _, members in rows) / len(rows)


@pytest.fixture(scope="module")
def quarter(built_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    queue = Queue(built_home, tmp_path_factory.mktemp("quarter") / "home", cases_per_day=8)
    lived = Quarter(queue)
    lived.live()
    return lived


def test_labels_come_back_in_their_classes(quarter: Quarter):
    outcomes = dict(
        quarter.queue.execute(
            "select outcome, count(*) from labels.label_decisions where origin = 'review'"
            " group by outcome"
        )
    )
    assert set(outcomes) == {"explained", "recovery_ordered"}
    assert min(outcomes.values()) > 50
    decided = quarter.queue.execute("select transaction_id, misuse from labels.label_decisions")
    right = [bad == (transaction in quarter.misuse) for transaction, bad in decided]
    assert np.mean(right) > 0.85  # reviewers err, and not more than that
    # nothing is a label before it was decided, and what was drawn weighs what it stands for
    assert quarter.queue.execute(
        "select count(*) from labels.label_decisions where available_at < decided_at"
    ) == [(0,)]
    weights = quarter.queue.execute(
        """
        select
            scores.lane is null, min(labels.review_probability), max(labels.review_probability)
        from labels.label_decisions as labels
        inner join ledger.scores as scores using (transaction_id)
        group by 1
        order by 1
        """
    )
    assert [row[0] for row in weights] == [False, True]
    assert weights[1][2] < 0.2


def test_the_tree_learns_from_them_and_precision_at_budget_rises(quarter: Quarter):
    assert [row["day"].day for row in quarter.fitted] == [1, 1]  # type: ignore[attr-defined]
    assert quarter.fitted[0]["misuse"] < quarter.fitted[-1]["misuse"]  # type: ignore[operator]
    end = MONDAY + timedelta(days=DAYS)
    before = quarter.precision(MONDAY, MONDAY + timedelta(days=20))
    after = quarter.precision(end - timedelta(days=28), end)
    assert after > 1.5 * before, (before, after)


def test_every_history_replays_to_the_state_of_its_case(quarter: Quarter):
    transitions = {
        (state, event): following
        for state, event, following in quarter.queue.execute("from seeds.case_transitions")
    }
    events = quarter.queue.execute(
        "select case_id, event, transaction_id from staging.stg_review_events"
        " order by load_id, occurred_at, load_line"
    )
    assert quarter.queue.execute(
        "select count(*) from labels.case_events where not is_accepted"
    ) == [(0,)]
    states = dict(quarter.queue.execute("select case_id, state from cases.cases"))
    assert len(states) > 300
    assert dict.fromkeys(states, "new") | replayed(events, transitions) == states  # type: ignore[arg-type]
    assert {"recovered", "cleared", "inconclusive"} <= set(states.values())
