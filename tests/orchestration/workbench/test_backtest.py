"""What a backtest says against what the warehouse has, on the demo company's run."""

import json
import shutil
from pathlib import Path

import pytest

from orchestration.benchmark.quality.planted import RULES_OF_KIND, run_planted
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.engine.warehouse import connect
from orchestration.publication.rule_pages import write_rule_pages
from orchestration.settings.rules import read_rules
from orchestration.workbench import backtest
from orchestration.workbench.backtest import Backtest, run_backtest
from orchestration.workbench.backtest_page import describe, draw
from orchestration.workbench.suggest import (
    LEAST_CASES,
    LEAST_LIFT,
    Judged,
    Predicate,
    Suggestion,
    suggest,
)
from orchestration.workbench.suggested_rule import write_rule
from tests.homes import copy_of, rows, succeed

RULE = "limit_evasion_001"
VIEW = "rules.rule_limit_evasion_001_split_same_merchant"


@pytest.fixture(scope="module")
def home(full: tuple[Home, str]) -> Home:
    return full[0]


def hits(tested: Backtest) -> dict[str, int]:
    return {row["side"]: row["hits"] for row in tested.totals}


def test_without_a_change_nothing_is_gained_or_lost(home: Home):
    tested = run_backtest(home, RULE)
    (count,) = rows(home, f"select count(*) from {VIEW}")[0]
    assert count > 0
    assert hits(tested) == {"now": count, "with_the_change": count, "gained": 0, "lost": 0}
    assert "nothing is changed" in describe(tested)
    assert {row["change"] for row in tested.examples} == {"kept"}


def test_a_threshold_counts_as_it_would_in_the_rule(home: Home):
    tested = run_backtest(home, RULE, ["minimum_purchases=3"])
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
    assert hits(tested) == {
        "now": now,
        "with_the_change": fewer,
        "gained": 0,
        "lost": now - fewer,
    }
    assert tested.thresholds["minimum_purchases"] == (2, 3)
    for parts in (tested.by_month, tested.by_department):
        assert sum(row["now"] for row in parts) == now
        assert sum(row["lost"] for row in parts) == now - fewer
    assert len(tested.examples) == min(10, now - fewer)


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
    tested = run_backtest(home, RULE)
    total = hits(tested)["now"]
    overlap = {(row["filter_kind"], row["filter"]): row["now"] for row in tested.overlap}
    assert ("rule", RULE) not in overlap
    assert all(0 < count <= total for count in overlap.values())
    (alerted,) = rows(
        home,
        f"""
        select count(*) from {VIEW} where transaction_id in (
            select transaction_id from ledger.alerts
            where lane not in ('audit', 'second_review')
        )
        """,
    )[0]
    assert overlap["alerts", None] == alerted


def test_only_days_since_are_looked_at(home: Home):
    (day, count) = rows(home, f"select max(occurred_at)::date, count(*) from {VIEW}")[0]
    tested = run_backtest(home, RULE, since=day)  # type: ignore[arg-type]
    assert 0 < hits(tested)["now"] < count


def test_the_command_prints_a_page_an_object_and_a_picture(home: Home, tmp_path):
    picture = tmp_path / "hits.svg"
    page = succeed(
        home, "backtest", RULE, "--set", "minimum_purchases=3", "--picture", str(picture)
    )
    assert "minimum_purchases 2 -> 3" in page
    assert "<svg" in picture.read_text(encoding="utf-8")
    answer = json.loads(succeed(home, "backtest", RULE, "--json"))
    assert answer["rule_id"] == RULE
    assert {row["side"] for row in answer["totals"]} == {"now", "with_the_change", "gained", "lost"}


def test_the_warehouse_is_not_touched(home: Home):
    before = home.warehouse.stat().st_mtime_ns
    describe(run_backtest(home, RULE, ["minimum_purchases=3"]))
    assert home.warehouse.stat().st_mtime_ns == before


def test_a_file_that_says_something_else_is_compiled_and_set_against_the_warehouse(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    # as if the file had been edited; what is compiled is the same query then
    monkeypatch.setattr(backtest, "_is_known_sql", lambda *_: False)
    compiled = run_backtest(home, RULE, ["minimum_purchases=3"])
    monkeypatch.undo()
    read = run_backtest(home, RULE, ["minimum_purchases=3"])
    assert "its SQL, minimum_purchases 2 -> 3" in describe(compiled)
    assert (compiled.totals, compiled.examples) == (read.totals, read.examples)


@pytest.mark.parametrize(
    ("rule", "settings", "sentence"),
    [
        ("no_such_rule", [], "there is no rule 'no_such_rule'"),
        (RULE, ["maximum=3"], "has no threshold 'maximum'; it has minimum_purchases"),
        (RULE, ["minimum_purchases=many"], "gives no number; write it like minimum_purchases=2"),
        (RULE, ["minimum_purchases=inf"], "gives no number"),
        (RULE, ["minimum_purchases=nan"], "gives no number"),
        (RULE, ["minimum_purchases=-1"], "no threshold is below 0"),
        ("time_place_007", ["maximum_kilometres=6"], "reaches to 5 kilometres; choose a value th"),
        ("limit_evasion_010", ["maximum_days=91"], "reaches to 90 days; choose .* or widen the re"),
        ("merchant_011", ["minimum_payments=5"], "reaches from 2 to 4 purchases; choose a value"),
    ],
)
def test_a_mistake_is_one_sentence(home: Home, rule: str, settings: list[str], sentence: str):
    with pytest.raises(CardwatchError, match=sentence) as caught:
        run_backtest(home, rule, settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "others", "further"),
    [
        ("time_place_007", [], "maximum_kilometres=5"),
        ("limit_evasion_010", ["minimum_use=0.1"], "maximum_days=90"),
        ("claims_004", [], "maximum_difference=0.25"),
    ],
)
def test_a_threshold_that_goes_further_finds_more_and_loses_nothing(
    home: Home, rule: str, others: list[str], further: str
):
    before = run_backtest(home, rule, others)
    after = run_backtest(home, rule, [*others, further])
    assert hits(after)["with_the_change"] > hits(before)["with_the_change"]
    assert hits(after)["lost"] == 0


@pytest.mark.parametrize(
    ("comment", "sentence"),
    [
        (
            """'{"time_place_007.maximum_kilometres": "to 2"}'""",
            r"feat_transaction_home was built to reach to 2 kilometres",
        ),
        ("null", "nobody knows how far the tables that it reads go, which are older than this"),
    ],
)
def test_what_the_warehouse_was_not_built_for_is_refused(
    home: Home, tmp_path: Path, comment: str, sentence: str
):
    older = copy_of(home, tmp_path / "home")
    with connect(older) as connection:
        connection.execute(f"comment on table features.feat_transaction_home is {comment}")
    with pytest.raises(CardwatchError, match=f"{sentence}.*; run `cardwatch run` first"):
        run_backtest(older, "time_place_007", ["maximum_kilometres=3"])


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


def test_a_page_counts_what_two_versions_hit_once(home: Home, tmp_path):
    changed = copy_of(home, tmp_path / "home")
    with connect(changed) as connection:
        write_rule_pages(connection, tmp_path / "before")
        connection.execute(
            "insert into ledger.rule_hits select * replace ('later' as rule_version) "
            "from ledger.rule_hits where rule_id = 'merchant_001'"
        )
        write_rule_pages(connection, tmp_path / "after")
    page = "merchant_001.en.html"
    assert (tmp_path / "after" / page).read_bytes() == (tmp_path / "before" / page).read_bytes()


def test_what_the_rules_find_of_planted_misuse_is_counted_from_their_hits(home: Home):
    result = run_planted(home)
    assert {name for kind in RULES_OF_KIND for name in RULES_OF_KIND[kind]} <= {
        rule.rule_id for rule in result.rules
    }
    for rule in result.rules:
        (count,) = rows(
            home, f"select count(*) from scoring.rule_hits where rule_id = '{rule.rule_id}'"
        )[0]
        assert rule.hits == count
        assert rule.misuse + sum(alike.hits for alike in rule.look_alikes) <= rule.hits
    for kind in result.kinds:
        assert 0 <= kind.caught <= kind.caught_by_any <= kind.cases
    assert sum(kind.caught for kind in result.kinds) > 0


def test_suggestions_rest_on_confirmed_cases_and_hold_up_later(home: Home, tmp_path):
    if rows(home, "select count(*) from labels.label_decisions where misuse")[0][0] < 25:
        with pytest.raises(CardwatchError, match="too few to learn a rule from"):
            suggest(home)
        return
    for suggestion in suggest(home):
        assert suggestion.earlier.cases >= LEAST_CASES
        assert suggestion.later.interval()[0] >= LEAST_LIFT * suggestion.base_rate


def test_a_suggestion_is_written_as_a_complete_rule_in_shadow(home: Home, tmp_path):
    for folder in (
        "models/rules",
        "macros/rules",
        "seeds",
        "models/features",
        "models/intermediate",
    ):
        shutil.copytree(project_root() / folder, tmp_path / folder)
    suggestion = Suggestion(
        (Predicate("amount", True, 120_000.0), Predicate("amount_to_single_limit", False, 0.5)),
        Judged(40, 30),
        Judged(20, 12),
        8,
        0.1,
    )
    written = write_rule(home, suggestion, tmp_path)
    assert all(file.exists() for file in written.files)
    (rule,) = (rule for rule in read_rules(tmp_path) if rule.name.endswith("_suggested"))
    assert rule.meta["stage"] == "shadow"
    assert {parameter for _, parameter in rule.thresholds} == {
        "minimum_amount",
        "maximum_amount_to_single_limit",
    }
