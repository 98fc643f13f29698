"""A company that sends purchases only, of which one is dated ahead; then the next day's."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.engine.home import Home
from orchestration.summary import read_summary
from tests.homes import rows, succeed

HEADER = "transaction_id,card_id,authorized_at,merchant_id,merchant_name,amount,currency"
FIRST = datetime(2025, 1, 6, 12)


def land(home: Home, folder: Path, name: str, lines: list[str]) -> None:
    file = folder / name
    file.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    succeed(home, "land", str(file), "--source", "company", "--feed", "card_transactions")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("purchases")
    home = Home(folder / "home")
    home.create()
    purchases = [
        f"T{n},C{n % 5},{FIRST + timedelta(days=n)},M{n % 7},Shop {n % 7},{60_000 + 100 * n},KRW"
        for n in range(20)
    ]
    # a day ahead may be a time zone; decades ahead are a mistake of typing
    soon = date.today() + timedelta(days=2)
    ahead = [f"F1,C0,{soon} 12:00:00,M3,Shop 3,61000,KRW", "F2,C0,2052-01-16,M3,Shop 3,61000,KRW"]
    land(home, folder, "export.csv", purchases + ahead)
    succeed(home, "run")
    following = [
        f"N{n},C{n},2025-01-27 23:1{n}:00,M{n},Shop {n},{160_000 + 100 * n},KRW" for n in range(5)
    ]
    land(home, folder, "next_day.csv", following)
    succeed(home, "run")
    return home


def test_a_purchase_ahead_of_today_does_not_keep_the_next_day_from_its_scores_and_hits(
    home: Home,
) -> None:
    assert rows(home, "select file, line from raw.quarantine") == [("export.csv", 23)]
    assert rows(home, "select built_until::varchar from run.build_window") == [("2025-01-27",)]
    scored = "select transaction_id from scoring.risk where transaction_id like 'N%' order by 1"
    assert rows(home, scored) == [(f"N{n}",) for n in range(5)]
    hit = (
        "select count(distinct transaction_id) from scoring.rule_hits"
        " where transaction_id like 'N%'"
    )
    assert rows(home, hit) == [(5,)]


def test_rules_of_a_feed_that_was_never_sent_are_not_evaluated(home: Home) -> None:
    summary = read_summary(home)
    assert summary.without_a_day == []
    not_evaluated = {rule.rule_id for rule in summary.not_evaluated}
    of_claims = rows(home, "select rule_id from scoring.rule_catalog where typology = 'claims'")
    assert {rule_id for (rule_id,) in of_claims} & not_evaluated
    absent = dict(
        rows(
            home,
            "select rule_id, any_value(absent) from scoring.rule_coverage"
            " where subject_count = 0 group by rule_id",
        )
    )
    assert absent
    assert set(absent.values()) == {"expense_claims"}
    assert set(absent) <= not_evaluated


def test_the_summary_says_what_share_of_the_rules_the_feeds_serve(home: Home) -> None:
    coverage = read_summary(home).coverage
    served = rows(
        home,
        "select count(*) from (select rule_id from scoring.rule_coverage group by rule_id"
        " having sum(evaluated_count) > 0)",
    )
    assert (coverage.served_rules,) == served[0]
    assert 0 < coverage.served_rules < coverage.rules
    assert "expense_claims" in json.dumps(coverage.absent)
    assert f"the feeds serve {coverage.served_rules} of {coverage.rules} rules" in str(coverage)
