"""Whatever the sequence of runs, the tables end the same, and the past does not move."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.home import Home
from tests.warehouse.conftest import MIDDLE, copy_of, rows, run_cardwatch, succeed

DERIVED = """
    select schema_name || '.' || table_name from duckdb_tables()
    where schema_name in ('labels', 'intermediate', 'features', 'detectors', 'scoring')
        -- these say what the last run had to do
        and table_name not in (
            'int_build_window', 'detector_training_sample', 'risk_due', 'risk_training',
            'tree_unseen__scores'
        )
    order by 1
"""


def differences(one: Home, other: Home, query: str) -> int:
    """Count the rows that a query finds in one warehouse and not in the other, both ways."""
    with duckdb.connect() as connection:
        found = []
        for name, home in (("one", one), ("other", other)):
            connection.execute(f"attach '{home.warehouse}' as {name} (read_only)")
        for name in ("one", "other"):
            connection.execute(f"use {name}")
            found.append(f"({query.replace('@', f'{name}.')})")
        counted = connection.execute(
            f"select (select count(*) from ({found[0]} except all {found[1]}))"
            f" + (select count(*) from ({found[1]} except all {found[0]}))"
        ).fetchone()
    assert counted is not None
    return int(counted[0])


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
    assert "int_build_window" not in sql


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


def test_a_file_that_lands_late_is_scored_and_leaves_what_was_issued(
    walked: tuple[Home, Home], tmp_path: Path
):
    home = copy_of(walked[1], tmp_path / "home")
    day = home.landing / "company" / "card_transactions" / "2025-12-15.parquet"
    late = tmp_path / "late.parquet"
    duckdb.read_parquet(str(day)).filter("amount > 0").project(
        "* replace ('late_' || transaction_id as transaction_id)"
    ).write_parquet(str(late))
    succeed(home, "land", str(late), "--source", "company", "--feed", "card_transactions")
    # further back than late_lookback_days: what the days looked like then is asked for
    succeed(home, "run", "--since", day.stem)
    assert rows(home, "select waiting_since from raw.run_state") == [(None,)]
    # they wait for a seat of the next day
    scored = """
        select count(*) > 0, count(risk.transaction_id) = count(*)
        from features.feat_transaction as features
        left join scoring.risk as risk using (transaction_id)
        where features.transaction_id like 'late_%' and features.is_purchase
    """
    assert rows(home, scored) == [(True, True)]
    for table in ("alerts", "scores", "rule_hits", "case_members"):
        query = f"select * from @ledger.{table} where issue_id <= 2"
        assert differences(walked[1], home, query) == 0, table


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
    assert "blocking check" in sentence
    assert "nothing was issued" in sentence
    assert "Traceback" not in finished.stderr
    assert differences(full[0], home, "select * from @ledger.alerts") == 0
    assert (home.published / "cardwatch.duckdb").read_bytes() == published
