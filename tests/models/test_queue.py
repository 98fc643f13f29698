"""The queue under any arrival: budget, backlog, draw, grouping, and one run against many."""

import itertools
from dataclasses import replace
from datetime import timedelta

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tests.models.queue_laws import (
    PERSON_HOURS,
    check_budget,
    check_nothing_dropped,
    check_probabilities,
    usual,
)
from tests.models.rehearsed_queue import MONDAY, Purchase, approver

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


@LAWS
@given(rows=purchases, cases_per_day=st.sampled_from([3, 4, 8]))
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
    # what is late is of the first day that is not issued
    made.execute(
        "insert into ledger.issues values (1, $1, $1, $1, 'seed', 0, 0)",
        [MONDAY - timedelta(days=1)],
    )
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
    assert made.execute("select distinct review_date from alerts.alert_queue") == [(MONDAY,)]
    pairs_found = {(case_of[row.number], component[row.number]) for row in day}
    assert len(pairs_found) == len(set(component)) == len(set(case_of.values()))
    made.close()


def test_a_kept_case_gets_its_alert_when_what_joins_is_also_related_to_another(queue):
    made = queue(3)  # one seat beside the audit and the second review
    made.arrive(
        [
            Purchase(1, 10, 41, 7, 900_000.0, 0.9, mandatory=True),
            Purchase(2, 11, 40, 3, 80_000.0, 0.2, mandatory=True),
            Purchase(3, 12, 40, 4, 80_000.0, 0.2),
        ]
    )
    made.run(MONDAY)
    assert made.execute("select subject_id from alerts.mandatory_backlog") == [("t000002",)]
    made.arrive([Purchase(4, 24 + 12, 40, 7, 80_000.0, 0.2)])
    made.run(MONDAY + timedelta(days=1))
    check_nothing_dropped(made)
    alerted = "select subject_id from ledger.alerts where lane = 'mandatory' order by 1"
    assert made.execute(alerted) == [("t000001",), ("t000002",)]


def test_what_comes_again_with_another_date_was_settled_all_the_same(queue):
    made = queue(20)
    random = np.random.default_rng(3)
    rows = usual(random, 60)
    made.arrive([*rows, Purchase(900, 23, 900, 900, 900_000.0, 0.9)])
    made.run(MONDAY)
    issued = made.execute("select subject_id from ledger.alerts where lane <> 'second_review'")
    again = {int(subject[1:]) for (subject,) in issued}
    assert len(again) > 2
    for table in ("scoring.risk", "intermediate.int_transactions"):
        made.execute(
            f"delete from {table} where transaction_id in (select subject_id from ledger.alerts)"
        )
    made.arrive(
        [replace(row, hour=row.hour + 24) for row in rows if row.number in again]
        + [Purchase(900, 24, 900, 900, 900_000.0, 0.9)]
    )
    made.run(MONDAY + timedelta(days=1))
    check_budget(made, 20)
    check_nothing_dropped(made)
    assert made.execute("select count(*) = count(distinct transaction_id) from ledger.scores") == [
        (True,)
    ]


def test_a_claim_is_in_one_case_whatever_else_is_found_of_it(queue):
    made = queue(20)
    made.arrive([Purchase(1, 9, 40, 7, 5_000.0, 0.0)])
    made.hit("claims_001", "C1", hour=10)
    made.run(MONDAY)
    cases = made.execute("select case_id from ledger.case_members where subject_id = 'C1'")
    assert len(cases) == 1
    made.hit("claims_011", "C1", hour=10)
    made.run(MONDAY + timedelta(days=1))
    assert made.execute("select case_id from ledger.case_members where subject_id = 'C1'") == cases
    check_budget(made, 20)


def test_a_claim_on_a_purchase_in_another_currency_is_in_its_own(queue):
    made = queue(20)
    made.arrive([Purchase(1, 9, 40, 7, 3_000.0, 0.0)])
    made.execute("update intermediate.int_transactions set currency = 'USD'")
    made.hit("claims_001", "C1", hour=10, transaction="t000001", amount=4_000_000)
    made.run(MONDAY)
    assert made.execute(
        "select distinct amount, currency from ledger.alerts where subject_type = 'claim'"
    ) == [(4_000_000.0, "KRW")]
    sentences = made.execute("select sentence_en from ledger.alerts where subject_type = 'claim'")
    assert "4,000,000 KRW" in sentences[0][0]


def test_the_first_budget_holds_for_what_was_bought_before_it(queue):
    made = queue(20)
    made.set_budget("valid_from", MONDAY + timedelta(days=30))
    made.arrive(usual(np.random.default_rng(4), 60))
    made.run(MONDAY)
    check_probabilities(made)


def test_the_draw_follows_its_probabilities_and_depends_on_the_secret(queue):
    random = np.random.default_rng(2)
    made = queue(40)
    rows = [replace(row, risk=float(random.random()) / 50, odd=0.0) for row in usual(random, 400)]
    made.arrive(rows)
    made.run(MONDAY, seed="first")
    drawn = []
    for number in range(400):
        made.execute("update raw.run_state set audit_seed = ?", [f"seed {number}"])
        made.build("alerts", "review_probabilities")
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
