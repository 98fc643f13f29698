"""One run over landed files: what it prints, publishes and keeps."""

import json
from pathlib import Path

import duckdb

from orchestration.cli.summary_text import describe
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.summary import read_summary
from tests.homes import copy_of, rows, succeed

PUBLISHED = {
    "alerts",
    "alert_reasons",
    "cases",
    "case_events",
    "case_members",
    "case_conflicts",
    "case_transitions",
    "case_deadlines",
    "working_days",
    "quarantined_events",
    "explanation_requests",
    "reminders",
    "reviewer_workload",
    "review_agreement",
    "below_the_line",
    "mandatory_backlog",
    "risk_versions",
    "risk_calibration",
    "risk_calibration_error",
    "rule_catalog",
    "rule_hits",
    "rule_coverage",
    "rule_exceptions",
    "rule_detection",
    "planned_rules",
    "model_versions",
    "rule_firing",
    "label_delay",
    "expected_precision",
    "feature_drift",
    "score_drift",
    "attribution_trend",
    "retrain_recommendation",
    "load_manifest",
    "quality_results",
}


def test_the_run_ends_with_counts_the_highest_alerts_and_where_to_look(full: tuple[Home, str]):
    _, printed = full
    for part in ("transactions", "rule hits", "cases issued", "worth most", "결제"):
        assert part in printed
    assert "/published/cardwatch.duckdb" in printed
    assert "cardwatch ui" in printed


def test_the_published_copy_has_every_table_and_agrees_with_the_ledger(full: tuple[Home, str]):
    home, _ = full
    with duckdb.connect(str(home.published / "cardwatch.duckdb"), read_only=True) as published:
        tables = {row[0] for row in published.execute("show tables").fetchall()}
        assert tables == PUBLISHED
        alerts = published.execute("select count(*) from alerts").fetchone()
    assert alerts == rows(home, "select count(*) from ledger.alerts")[0]
    for table in PUBLISHED:
        assert (home.published / f"{table}.parquet").exists()


def test_every_purchase_is_published_once_with_a_positive_review_probability(
    full: tuple[Home, str],
):
    home, _ = full
    scores = f"read_parquet('{home.published}/transaction_scores/*/*.parquet')"
    seen = duckdb.sql(
        f"""
        select count(*), count(distinct transaction_id),
            count(*) filter (where review_probability > 0 and review_probability <= 1)
        from {scores}
        """
    ).fetchone()
    purchases = rows(home, "select count(*) from features.feat_transaction where is_purchase")[0][0]
    assert seen == (purchases, purchases, purchases)


def test_the_budget_holds_every_day_and_every_alert_says_why_in_both_languages(
    full: tuple[Home, str],
):
    home, _ = full
    busiest = rows(
        home, "select max(n) from (select count(*) as n from ledger.alerts group by alert_date)"
    )
    assert busiest[0][0] <= rows(home, "select max(cases_per_day) from seeds.review_budget")[0][0]
    mute = """
        select count(*) from ledger.alerts
        where sentence_en not similar to '.+ on \\d{4}-\\d{2}-\\d{2}.*\\. .+'
            or sentence_ko not similar to '\\d{4}-\\d{2}-\\d{2}.*\\. .+'
    """
    assert rows(home, mute) == [(0,)]


def test_days_before_the_first_model_carry_rules_and_no_scores(full: tuple[Home, str]):
    home, _ = full
    first = rows(
        home,
        "select min(champion_from) from ledger.model_promotions",
    )[0][0]
    assert first is not None
    before = f"from ledger.scores where transaction_date < date '{first}'"
    assert rows(home, f"select count(anomaly_score), count(tree_probability) {before}") == [(0, 0)]
    assert rows(home, f"select sum(rule_hit_count) > 0 {before}") == [(True,)]
    after = f"from ledger.scores where transaction_date >= date '{first}'"
    assert rows(home, f"select count(*) filter (where anomaly_score is null) {after}") == [(0,)]


def test_checks_of_dbt_and_of_great_expectations_are_on_record(full: tuple[Home, str]):
    home, _ = full
    names = rows(
        home,
        """
        select count(*) filter (where check_name = 'expectations'),
            count(*) filter (where check_name <> 'expectations'), bool_and(passed)
        from monitoring.quality_results
        """,
    )[0]
    assert names[0] >= 3
    assert names[1] >= 100
    assert names[2] is True


def test_a_rule_without_a_day_is_not_one_whose_feed_is_absent(
    full: tuple[Home, str], tmp_path: Path
):
    home = copy_of(full[0], tmp_path / "home")
    assert read_summary(home, 0, 1.0).without_a_day == []
    with connect(home) as connection:
        connection.execute("delete from scoring.rule_coverage where rule_id = 'merchant_001'")
    summary = read_summary(home, 0, 1.0)
    assert [rule.rule_id for rule in summary.without_a_day] == ["merchant_001"]
    assert "merchant_001" not in {rule.rule_id for rule in summary.not_evaluated}
    assert "no day was built since: merchant_001" in describe(summary, home)


def test_running_again_with_nothing_new_changes_nothing(full: tuple[Home, str]):
    home, _ = full
    tables = ("features.feat_transaction", "scoring.risk", "scoring.rule_hits", "ledger.alerts")
    count_and_hash = " union all ".join(
        f"select '{table}', count(*), bit_xor(hash({table.split('.')[1]}::varchar)) from {table}"
        for table in tables
    )
    before = rows(home, count_and_hash)
    answer = json.loads(succeed(home, "run", "--json").splitlines()[-1])
    assert answer["unchanged_since"] is not None
    assert answer["issued_alerts"] == 0
    assert rows(home, count_and_hash) == before
