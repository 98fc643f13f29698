"""The queue under any arrival: budget, backlog, draw, grouping, and one run against many.

The alert models' own SQL, as dbt compiled it, runs on rows that are made up here; each run ends
with the project's own issue step.
"""

import itertools
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from orchestration.home import Home
from orchestration.issue import issue

MONDAY = date(2025, 3, 10)
PERSON_HOURS = 72


@dataclass(frozen=True)
class Purchase:
    """A purchase as the queue sees it; `hour` counts from the first day's midnight."""

    number: int
    hour: int
    employee: int
    merchant: int
    amount: float
    risk: float
    mandatory: bool = False
    odd: float = 0.0
    department: int = 0

    @property
    def at(self) -> datetime:
        return datetime.combine(MONDAY, datetime.min.time()) + timedelta(hours=self.hour)


def approver(purchase: Purchase) -> int:
    """Eight people have one; the few people of an arbitrary queue have three."""
    return purchase.employee // 8 if purchase.employee >= 24 else purchase.employee % 3


class Queue:
    """A warehouse in which days arrive and are issued."""

    def __init__(self, built_home: Home, folder: Path, cases_per_day: int) -> None:
        self.home = Home(folder)
        self.home.create()
        shutil.copy(built_home.warehouse, self.home.warehouse)
        self._compiled = built_home.dbt_target / "compiled/cardwatch/models"
        self._connection = duckdb.connect(str(self.home.warehouse))
        self.execute("update seeds.review_budget set cases_per_day = ?", [cases_per_day])
        # made of weights that are not there
        self.execute("delete from scoring.risk_versions")
        # built without rows, the view would never show one
        self.execute("create table landed as from staging.stg_card_transactions")
        self.execute("drop view staging.stg_card_transactions")
        self.execute("create table staging.stg_card_transactions as from landed")
        self._load = 0

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._connection.execute(query, parameters).fetchall()
        return found

    def close(self) -> None:
        self._connection.close()

    def arrive(self, purchases: Iterable[Purchase], files: int = 1) -> None:
        """Score what arrives, in one landed file or spread over many."""
        self._load += files
        rows = [
            {
                "transaction_id": f"t{purchase.number:06d}",
                "authorized_at": purchase.at,
                "transaction_date": purchase.at.date(),
                "card_id": f"k{purchase.employee}",
                "employee_id": f"e{purchase.employee}",
                "department_id": f"d{purchase.department}",
                "merchant_id": f"m{purchase.merchant}",
                "approver_id": f"boss of {approver(purchase)}",
                "amount": purchase.amount,
                "risk": purchase.risk,
                "is_mandatory": purchase.mandatory,
                "anomaly_score": purchase.odd,
            }
            for purchase in purchases
        ]
        if not rows:
            return
        self._connection.register("arriving", pa.Table.from_pylist(rows))
        for table, more in {
            "scoring.risk": """
                'KRW' as currency, 1 as rule_hit_count, 0.0 as rule_risk, 'r' as risk_version,
                0.0 as expected_value, true as is_explained, true as is_anomaly_explained
            """,
            "intermediate.int_transactions": "'KRW' as currency, true as is_purchase",
            "staging.stg_card_transactions": f"""
                'KRW' as currency,
                {self._load} - row_number() over (order by transaction_id) % {files} as load_id,
                row_number() over (order by transaction_id) as load_line
            """,
        }.items():
            schema, name = table.split(".")
            columns = [
                row[0]
                for row in self.execute(
                    "select column_name from duckdb_columns()"
                    " where schema_name = ? and table_name = ?",
                    [schema, name],
                )
            ]
            self.execute(
                f"""
                insert into {table} by name
                select columns(c -> list_contains({columns}, c))
                from (select *, {more} from arriving)
                """
            )
        self._connection.unregister("arriving")

    def run(self, until: date, seed: str = "seed") -> None:
        """Propose all days that are not issued yet, and issue them."""
        last = self.execute("select max(issued_until) from ledger.issues")[0][0]
        first = last + timedelta(days=1) if last else MONDAY
        self.execute("delete from intermediate.int_build_window")
        self.execute(
            """
            insert into intermediate.int_build_window by name
            select $1::date as changed_from, $1::date as built_from, $2::date as built_until,
                $2::date as cleared_until, 1 as latest_load_id
            """,
            [first, until],
        )
        self.execute("update raw.run_state set audit_seed = ?", [seed])
        self._build("intermediate", "int_working_days")
        for model in ("alert_candidates", "review_seats"):
            self._build("alerts", model)
        self.execute("delete from alerts.alert_queue")
        sql = self._sql("alerts", "alert_queue")
        days = self.execute("select review_date from alerts.review_seats order by review_date")
        for (day,) in days:
            self.execute(f"set variable walked_day = date '{day}'")
            self.execute(f"insert into alerts.alert_queue {sql}")
        for model in (
            "review_probabilities",
            "below_the_line",
            "mandatory_backlog",
            "policy",
            "alert_reasons",
            "alerts",
        ):
            self._build("alerts", model)
        issue(self._connection, self.home)

    def _sql(self, folder: str, model: str) -> str:
        return (self._compiled / folder / f"{model}.sql").read_text(encoding="utf-8")

    def _build(self, folder: str, model: str) -> None:
        sql = self._sql(folder, model)
        self.execute(f"create or replace table {folder}.{model} as {sql}")

    def decided(self) -> dict[str, tuple[str, str | None]]:
        """Case and lane of what is in cases by now."""
        rows = self.execute("select subject_id, case_id, is_alert from ledger.case_members")
        return {subject: (case, alert) for subject, case, alert in rows}


@pytest.fixture
def queue(built_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    queues: list[Queue] = []

    def make(cases_per_day: int) -> Queue:
        queues.append(Queue(built_home, tmp_path_factory.mktemp("queue") / "home", cases_per_day))
        return queues[-1]

    yield make
    for made in queues:
        made.close()


purchases = st.lists(
    st.builds(
        Purchase,
        number=st.just(0),
        hour=st.integers(0, 9 * 24 - 1),
        employee=st.integers(0, 7),
        merchant=st.integers(0, 4),
        amount=st.sampled_from([5_000.0, 80_000.0, 900_000.0]),
        risk=st.sampled_from([0.001, 0.2, 0.9]),
        mandatory=st.sampled_from([False, False, False, True]),
        odd=st.sampled_from([0.0, 0.5, 2.0]),
        department=st.integers(0, 2),
    ),
    min_size=1,
    max_size=60,
).map(lambda rows: [replace(row, number=number) for number, row in enumerate(rows)])

LAWS = settings(
    deadline=None,
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


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
            and transaction_id not in (select subject_id from ledger.case_members)
            and transaction_id not in (select subject_id from alerts.mandatory_backlog)
            and transaction_date <= (select max(review_date) from alerts.review_seats)
        """
    )
    assert lost == []


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
        inner join intermediate.int_working_days as days on risk.transaction_date = days.day
        where days.next_working_day <= (select max(issued_until) from ledger.issues)
        """
    )
    assert missing == []


@LAWS
@given(rows=purchases, cases_per_day=st.sampled_from([1, 3, 8]))
def test_whatever_arrives_the_budget_holds_and_nothing_is_lost(queue, rows, cases_per_day):
    made = queue(cases_per_day)
    for day in range(9):
        made.arrive(row for row in rows if row.hour // 24 == day)
        made.run(MONDAY + timedelta(days=day))
    check_budget(made, cases_per_day)
    check_nothing_dropped(made)
    check_probabilities(made)
    made.close()


@LAWS
@given(rows=purchases)
def test_one_run_decides_as_many_runs_do(queue, rows):
    """But for the draws of the audit and of second reviews, whose seeds differ."""
    cases = """
        select members.case_id, subject_id, is_alert, joined_on
        from ledger.case_members as members
        where case_id not in (select case_id from ledger.alerts where lane = 'audit')
        order by all
    """
    alerts = """
        select alert_date, lane, case_id, expected_value from ledger.alerts
        where lane not in ('audit', 'second_review')
        order by all
    """
    daily, whole = queue(5), queue(5)
    whole.arrive(rows)
    whole.run(MONDAY + timedelta(days=8))
    for day in range(9):
        daily.arrive(row for row in rows if row.hour // 24 == day)
        daily.run(MONDAY + timedelta(days=day))
    assert daily.execute(cases) == whole.execute(cases)
    assert daily.execute(alerts) == whole.execute(alerts)
    daily.close()
    whole.close()


@LAWS
@given(rows=purchases)
def test_the_cases_of_a_day_are_connected_components(queue, rows):
    made = queue(500)
    day = [replace(row, hour=row.hour - 8 * 24, mandatory=True) for row in rows]
    made.arrive(day)
    made.run(MONDAY)

    def related(one: Purchase, other: Purchase) -> bool:
        near = abs(one.hour - other.hour) <= PERSON_HOURS
        same_site = (one.merchant, approver(one)) == (other.merchant, approver(other))
        return near and (one.employee == other.employee or same_site)

    pairs = [(a.number, b.number) for a, b in itertools.combinations(day, 2) if related(a, b)]
    edges = np.array(pairs or [(0, 0)])
    graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(day), len(day)))
    _, component = connected_components(graph, directed=False)
    found = made.execute("select subject_id, case_id from alerts.alert_queue")
    case_of = {int(subject[1:]): case for subject, case in found}
    assert len(case_of) == len(day)
    pairs_found = {(case_of[row.number], component[row.number]) for row in day}
    assert len(pairs_found) == len(set(component)) == len(set(case_of.values()))
    made.close()


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


#: What floods a day with a hundred times its usual hits.
FLOODS = {
    "anywhere": {},
    "one file": {},
    "mandatory rules": {"mandatory": True},
    "one merchant": {"merchant": 7},
    "one person": {"employee": 7},
    "one department": {"department": 7},
}


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


def test_the_draw_follows_its_probabilities_and_depends_on_the_secret(queue):
    random = np.random.default_rng(2)
    made = queue(40)
    rows = [replace(row, risk=float(random.random()) / 50, odd=0.0) for row in usual(random, 400)]
    made.arrive(rows)
    made.run(MONDAY, seed="first")
    drawn = []
    for number in range(400):
        made.execute("update raw.run_state set audit_seed = ?", [f"seed {number}"])
        made._build("alerts", "review_probabilities")
        drawn.append(
            {
                row[0]
                for row in made.execute(
                    "select transaction_id from alerts.review_probabilities where is_audit_draw"
                )
            }
        )
    assert len({frozenset(each) for each in drawn}) == len(drawn)
    assert {len(each) for each in drawn} == {4}
    promised = dict(
        made.execute(
            "select transaction_id, review_probability from ledger.scores where lane is null"
        )
    )
    times = np.array([sum(name in each for each in drawn) for name in promised])
    expected = np.array(list(promised.values())) * len(drawn)
    # Pearson's statistic has about one degree of freedom a purchase
    statistic = ((times - expected) ** 2 / expected).sum()
    assert statistic < len(promised) + 4 * np.sqrt(2 * len(promised))


def test_a_silence_keeps_out_for_its_days_is_counted_and_leaves_a_share(queue):
    made = queue(400)
    made.execute(
        """
        insert into seeds.silences values
            ('renovation', 'merchant', 'm7', 'furniture for the new site', 'audit lead',
             '2025-03-10', '2025-03-10')
        """
    )
    rows = [
        Purchase(number, hour, number, 7, 900_000.0, 0.5, mandatory=number == 0)
        for number, hour in enumerate([*range(24)] * 4)
    ]
    later = Purchase(500, 30, 500, 7, 900_000.0, 0.5)
    made.arrive(rows)
    made.arrive([later])
    made.run(MONDAY + timedelta(days=1))
    silenced = {
        row[0]
        for row in made.execute(
            "select transaction_id from ledger.scores where silence_id = 'renovation'"
        )
    }
    assert "t000000" not in silenced  # a mandatory rule is not silenced
    assert "t000500" not in silenced  # it has expired
    assert 80 <= len(silenced) <= 95
    assert made.execute("select sum(silenced_purchases) from ledger.below_the_line") == [
        (len(silenced),)
    ]
    assert made.execute(
        "select min(review_probability) > 0 from ledger.scores where silence_id is not null"
    ) == [(True,)]
