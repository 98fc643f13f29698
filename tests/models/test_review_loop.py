"""Reviewers answer the demo company's queue, a file lands late; the next run reads both."""

from datetime import date

import duckdb
import pyarrow.parquet as pq
import pytest

from orchestration.benchmark.quality.queue import QueueResult, describe, judge
from orchestration.demo_company import figures
from orchestration.demo_company.reviewers import answer_queue
from orchestration.engine.home import Home
from tests.homes import copy_of, differences, rows, succeed
from tests.models.replay import replayed

# further back from the middle of the walk than late_lookback_days
LATE = "2025-10-15"


@pytest.fixture(scope="module")
def answered(walked: tuple[Home, Home], tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home of the first half, answered and with a file of long ago, run over the rest."""
    folder = tmp_path_factory.mktemp("answered")
    home = copy_of(walked[0], folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        # the audit draws by chance; with so many mistakes some of it is found to be misuse
        patch.setattr(figures, "REVIEW_FALSE_POSITIVES", 0.15)
        assert answer_queue(home, date(2025, 12, 31)) > 100
        assert answer_queue(home, date(2025, 12, 31)) == 0  # nothing is said twice
    day = home.landing / "company" / "card_transactions" / f"{LATE}.parquet"
    late = folder / "late.parquet"
    duckdb.read_parquet(str(day)).filter("amount > 0").project(
        "* replace ('late_' || transaction_id as transaction_id)"
    ).write_parquet(str(late))
    succeed(home, "land", str(late), "--source", "company", "--feed", "card_transactions")
    # what all days looked like is asked for, of the decisions too
    succeed(home, "run", "--since", "2025-10-01")
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
    events = rows(
        answered,
        "select case_id, event, transaction_id from staging.stg_review_events"
        " order by load_id, occurred_at, load_line",
    )
    assert rows(answered, "select count(*) from cases.quarantined_events") == [(0,)]
    states = dict(rows(answered, "select case_id, state from cases.cases"))
    assert dict.fromkeys(states, "new") | replayed(events, transitions) == states  # type: ignore[arg-type]
    assert len(set(states.values()) & {"cleared", "recovered", "recovery_ordered", "new"}) >= 3


def test_two_reviews_of_a_case_are_compared_and_only_one_is_a_label(answered: Home):
    pairs = rows(answered, "select pair_count, kappa from cases.review_agreement")
    assert sum(row[0] for row in pairs) > 5  # type: ignore[misc]
    assert rows(
        answered,
        """
        select count(*) from labels.label_decisions
        where case_id in (
            select seconds.case_id
            from ledger.alerts as seconds
            inner join ledger.alerts as firsts on seconds.second_of = firsts.case_id
            where firsts.lane <> 'audit'
        )
        """,
    ) == [(0,)]


def test_what_the_audit_found_is_reviewed_again(answered: Home):
    found = rows(
        answered,
        """
        select case_id from cases.cases
        where
            lane = 'audit'
            and outcome = 'recovery_ordered'
            and decided_at < timestamp '2025-12-24'
        order by case_id
        """,
    )
    confirmed = rows(
        answered,
        """
        select
            seconds.second_of,
            seconds.alert_date > firsts.alert_date
            and contains(seconds.sentence_en, 'Drawn at random')
            and contains(seconds.sentence_ko, '무작위')
        from ledger.alerts as seconds
        inner join ledger.alerts as firsts on seconds.second_of = firsts.case_id
        where firsts.lane = 'audit'
        order by all
        """,
    )
    assert found
    assert {(case, True) for (case,) in found} <= set(confirmed)
    # and is no label before that
    assert rows(
        answered,
        "select count(*) from ledger.alerts inner join labels.label_decisions using (case_id)"
        " where lane = 'audit' and misuse",
    ) == [(0,)]


def test_what_lands_late_is_scored(answered: Home):
    assert rows(answered, "select waiting_since from raw.run_state") == [(None,)]
    # it waits for a seat of the next day
    scored = """
        select count(*) > 0, count(risk.transaction_id) = count(*)
        from features.feat_transaction as features
        left join scoring.risk as risk using (transaction_id)
        where features.transaction_id like 'late_%' and features.is_purchase
    """
    assert rows(answered, scored) == [(True, True)]


def test_what_was_issued_before_stays(answered: Home, walked: tuple[Home, Home]):
    for table in ("alerts", "scores", "rule_hits", "case_members"):
        query = f"select * from @ledger.{table} where issue_id = 1"
        assert differences(walked[0], answered, query) == 0, table


def test_the_benchmark_of_the_queue_counts_what_is_in_cases_against_the_truth(answered: Home):
    scored = rows(answered, "select transaction_id, amount from scoring.risk")
    amounts = {str(transaction): float(str(amount)) for transaction, amount in scored}
    truth = pq.read_table(answered.truth / "misuse.parquet", columns=["transaction_id"])
    misuse = set(truth["transaction_id"].to_pylist()) & amounts.keys()
    members = rows(answered, "select distinct transaction_id from ledger.case_members")
    found = misuse & {row[0] for row in members}
    reviews = rows(answered, "select count(*) from ledger.alerts")[0][0]

    company = judge(answered, seed=0)
    assert (company.transactions, company.misuse) == (len(amounts), len(misuse))
    assert company.reviews == reviews == sum(month.cases for month in company.months)
    assert company.number_share == len(found) / len(misuse) > 0.2
    assert company.misuse_a_review == len(found) / reviews
    assert company.value_share == pytest.approx(
        sum(amounts[each] for each in found) / sum(amounts[each] for each in misuse)
    )
    hits = rows(answered, "select count(distinct transaction_id) from staging.stg_external_hits")
    assert company.filter_reviews <= min(hits[0][0], reviews)
    assert company.filter_misuse_a_case >= company.filter_misuse_a_review
    page = describe(QueueResult(150, 3, 30, (company, company)))
    assert f"misuse per review, times the filters'{company.ratio:>19.3f}" in page
