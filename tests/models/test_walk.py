"""Whatever the sequence of runs, the tables end the same, and the past does not move."""

import shutil
from pathlib import Path

import pytest

from orchestration.engine.home import Home
from tests.homes import (
    MIDDLE,
    copy_of,
    differences,
    rows,
    run_cardwatch,
    succeed,
)

DERIVED = """
    select schema_name || '.' || table_name from duckdb_tables()
    where schema_name in ('run', 'labels', 'intermediate', 'features', 'detectors', 'scoring')
        -- these say what the last run had to do
        and table_name not in (
            'build_window', 'detector_training_sample', 'risk_due', 'risk_training',
            'tree_unseen__scores'
        )
    order by 1
"""


def test_two_runs_end_in_the_tables_of_one(full: tuple[Home, str], walked: tuple[Home, Home]):
    tables = [row[0] for row in rows(full[0], DERIVED)]
    assert len(tables) > 20
    changed = [
        table for table in tables if differences(full[0], walked[1], f"select * from @{table}")
    ]
    assert changed == []


def test_two_runs_issue_what_one_issues(full: tuple[Home, str], walked: tuple[Home, Home]):
    # the audit and second reviews are drawn at random, each run with a secret of its own
    for query in (
        "select * exclude (issue_id) from @ledger.alerts"
        " where lane not in ('audit', 'second_review')",
        "select * exclude (issue_id) from @ledger.scores",
        "select * exclude (issue_id) from @ledger.rule_hits",
        "select * exclude (issue_id) from @ledger.detector_versions",
        "select * exclude (issue_id) from @ledger.risk_versions",
        "select detector, version, champion_from, reason from @ledger.model_promotions",
    ):
        assert differences(full[0], walked[1], query) == 0, query


def test_the_days_of_a_run_are_dates_in_what_it_sends(walked: tuple[Home, Home]):
    sent = walked[0].dbt_target / "run" / "cardwatch" / "models" / "scoring" / "rule_hits.sql"
    sql = sent.read_text(encoding="utf-8")
    assert f"(date '{MIDDLE}' + 1)" in sql
    assert "build_window" not in sql


@pytest.mark.parametrize(
    "table", ["features.feat_transaction", "scoring.risk", "labels.label_decisions"]
)
def test_nothing_later_was_used(full: tuple[Home, str], walked: tuple[Home, Home], table: str):
    day = "decided_on" if table.startswith("labels") else "transaction_date"
    query = f"select * from @{table} where {day} <= date '{MIDDLE}'"
    assert rows(walked[0], f"select count(*) > 0 from {table}") == [(True,)]
    assert differences(full[0], walked[0], query) == 0


def test_a_lost_warehouse_is_rebuilt_from_landed_files_and_ledger(
    walked: tuple[Home, Home], tmp_path: Path
):
    home = copy_of(walked[1], tmp_path / "home")
    home.warehouse.unlink()
    shutil.rmtree(home.dbt_target)
    succeed(home, "run")
    assert differences(walked[1], home, "select * from @ledger.alerts") == 0
    assert differences(walked[1], home, "select * from @ledger.scores") == 0
    assert differences(walked[1], home, "select * from @scoring.risk") == 0


def test_a_broken_file_stops_the_run_before_anything_is_issued(
    full: tuple[Home, str], tmp_path: Path
):
    home = copy_of(full[0], tmp_path / "home")
    published = (home.published / "cardwatch.duckdb").read_bytes()
    broken = tmp_path / "broken.csv"
    lines = ["transaction_id,card_id,authorized_at,merchant_id,amount,currency"]
    lines += [f"new_{n},card_000001,2026-01-05 10:00:0{n},m_1,not a number,KRW" for n in range(5)]
    lines += ["new_9,card_000001,2026-01-05 11:00:00,m_1,1000,KRW"]
    broken.write_text("\n".join(lines), encoding="utf-8")
    succeed(home, "land", str(broken), "--source", "company", "--feed", "card_transactions")
    finished = run_cardwatch(home, "run")
    assert finished.returncode == 1
    sentence = finished.stderr.splitlines()[-1]
    assert "broken.csv has 5 unreadable rows of 6" in sentence
    assert "amount 'not a number'" in sentence
    assert "Traceback" not in finished.stderr
    assert differences(full[0], home, "select * from @ledger.alerts") == 0
    assert (home.published / "cardwatch.duckdb").read_bytes() == published
