"""What a backtest says against what the warehouse has, on the demo company's run."""

import json

import pytest

from orchestration.backtest import Backtest, describe, draw, run_backtest
from orchestration.errors import CardwatchError
from orchestration.home import Home, project_root
from tests.warehouse.conftest import rows, succeed

RULE = "limit_evasion_001"
VIEW = "rules.rule_limit_evasion_001_split_same_merchant"


@pytest.fixture(scope="module")
def home(full: tuple[Home, str]) -> Home:
    return full[0]


def hits(backtest: Backtest) -> dict[str, int]:
    return {row["side"]: row["hits"] for row in backtest.totals}


def test_without_a_change_nothing_is_gained_or_lost(home: Home):
    backtest = run_backtest(home, RULE)
    (count,) = rows(home, f"select count(*) from {VIEW}")[0]
    assert count > 0
    assert hits(backtest) == {"now": count, "with the change": count, "gained": 0, "lost": 0}
    assert backtest.change == "nothing is changed"
    assert {row["change"] for row in backtest.examples} == {"kept"}


def test_a_threshold_counts_as_it_would_in_the_rule(home: Home):
    backtest = run_backtest(home, RULE, ["minimum_purchases=3"])
    now, fewer = rows(
        home,
        f"""
        select count(*), count(*) filter (
            where json_extract(evidence, '$.card_merchant_txn_count_1d')::double + 1 >= 3
        )
        from {VIEW}
        """,
    )[0]
    assert 0 < fewer < now
    assert hits(backtest) == {
        "now": now,
        "with the change": fewer,
        "gained": 0,
        "lost": now - fewer,
    }
    assert backtest.change == "minimum_purchases 2 -> 3"
    for parts in (backtest.by_month, backtest.by_department):
        assert sum(row["now"] for row in parts) == now
        assert sum(row["lost"] for row in parts) == now - fewer
    assert len(backtest.examples) == min(10, now - fewer)


def test_precision_is_of_what_was_reviewed_and_has_an_interval(home: Home):
    now = run_backtest(home, RULE).totals[0]
    reviewed, misuse = rows(
        home,
        f"""
        with latest as (
            select transaction_id, max_by(misuse, decided_at) as misuse
            from labels.label_decisions group by transaction_id
        )
        select count(misuse), count(*) filter (where misuse)
        from {VIEW} left join latest using (transaction_id)
        """,
    )[0]
    assert (now["reviewed"], now["misuse"]) == (reviewed, misuse)
    assert 0 < reviewed < now["hits"]
    assert now["precision"] == pytest.approx(misuse / reviewed)
    # Wilson: for 1 of 2 the interval would be 9.5 % to 90.5 %
    z = 1.959964
    middle = (misuse + z * z / 2) / (reviewed + z * z)
    assert (now["precision_from"] + now["precision_to"]) / 2 == pytest.approx(middle)
    assert now["precision_from"] < now["precision"] < now["precision_to"]


def test_overlap_counts_each_hit_once_a_filter_and_names_what_nobody_else_has(home: Home):
    backtest = run_backtest(home, RULE)
    total = hits(backtest)["now"]
    overlap = {row["filter"]: row["now"] for row in backtest.overlap}
    assert f"rule {RULE}" not in overlap
    assert all(0 < count <= total for count in overlap.values())
    (alerted,) = rows(
        home,
        f"""
        select count(*) from {VIEW} where transaction_id in (
            select transaction_id from ledger.alerts where lane <> 'audit'
        )
        """,
    )[0]
    assert overlap["alerts of Cardwatch"] == alerted


def test_only_days_since_are_looked_at(home: Home):
    (day, count) = rows(home, f"select max(occurred_at)::date, count(*) from {VIEW}")[0]
    backtest = run_backtest(home, RULE, since=day)  # type: ignore[arg-type]
    assert 0 < hits(backtest)["now"] < count


def test_the_command_prints_a_page_an_object_and_a_picture(home: Home, tmp_path):
    picture = tmp_path / "hits.svg"
    page = succeed(
        home, "backtest", RULE, "--set", "minimum_purchases=3", "--picture", str(picture)
    )
    assert "minimum_purchases 2 -> 3" in page
    assert "<svg" in picture.read_text(encoding="utf-8")
    answer = json.loads(succeed(home, "backtest", RULE, "--json"))
    assert answer["rule_id"] == RULE
    assert {row["side"] for row in answer["totals"]} == {"now", "with the change", "gained", "lost"}


def test_the_warehouse_is_not_touched(home: Home):
    before = home.warehouse.stat().st_mtime_ns
    describe(run_backtest(home, RULE, ["minimum_purchases=3"]))
    assert home.warehouse.stat().st_mtime_ns == before


def test_a_changed_file_is_set_against_what_the_warehouse_has(home: Home):
    file = (
        project_root() / "models/rules/limit_evasion/rule_limit_evasion_001_split_same_merchant.sql"
    )
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(
            text.replace("\n        and amount <= single_limit\n", "\n"), encoding="utf-8"
        )
        backtest = run_backtest(home, RULE)
    finally:
        file.write_text(text, encoding="utf-8")
    assert backtest.change == "its SQL"
    assert hits(backtest)["lost"] == 0
    assert hits(backtest)["gained"] >= 0


@pytest.mark.parametrize(
    ("rule", "settings", "sentence"),
    [
        ("no_such_rule", [], "there is no rule 'no_such_rule'"),
        (RULE, ["maximum=3"], "has no threshold 'maximum'; it has minimum_purchases"),
        (RULE, ["minimum_purchases=many"], "gives no number; write it like minimum_purchases=2"),
        (RULE, ["minimum_purchases=inf"], "gives no number"),
        (RULE, ["minimum_purchases=nan"], "gives no number"),
    ],
)
def test_a_mistake_is_one_sentence(home: Home, rule: str, settings: list[str], sentence: str):
    with pytest.raises(CardwatchError, match=sentence) as caught:
        run_backtest(home, rule, settings)
    assert "\n" not in str(caught.value)


def test_a_picture_of_another_kind_is_refused(home: Home, tmp_path):
    with pytest.raises(CardwatchError, match=r"neither a \.png nor a \.svg"):
        draw(run_backtest(home, RULE), tmp_path / "hits.gif")


def test_every_rule_has_a_page_in_both_languages(home: Home):
    folder = home.published / "rules"
    catalogue = rows(home, "select rule_id, title_en, title_ko from scoring.rule_catalog")
    indexes = {
        language: (folder / f"index.{language}.html").read_text(encoding="utf-8")
        for language in ("en", "ko")
    }
    for rule_id, title_en, title_ko in catalogue:
        for language, title in (("en", title_en), ("ko", title_ko)):
            assert f"{rule_id}.{language}.html" in indexes[language]
            page = (folder / f"{rule_id}.{language}.html").read_text(encoding="utf-8")
            assert str(title).replace("'", "&#39;") in page
