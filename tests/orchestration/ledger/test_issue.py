"""The issue step: all of a run's proposals become facts, or none; and nothing twice."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.defs.landing import load_what_landed
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.load import prepare_raw
from orchestration.ledger import files as files_step
from orchestration.ledger.issue import (
    LEDGER_TABLES,
    issue,
    prepare_ledger,
    record,
    record_versions,
    settle,
)
from tests.orchestration.ledger.proposals import content, draw_a_seed, files, propose_a_score

FILES_OF_ONE_ISSUE = sorted(
    [*(f"000001/{table}.parquet" for table in LEDGER_TABLES), "000001/issue.json", "newest.json"]
)


def propose_a_hit(warehouse: duckdb.DuckDBPyConnection, subject_type: str, subject: str) -> None:
    warehouse.execute(
        """
        insert into scoring.rule_hits by name
        select
            'claims_001' as rule_id, 'v1' as rule_version, $1 as subject_type, $2 as subject_id,
            timestamp '2025-01-20' as occurred_at, date '2025-01-20' as occurred_on
        """,
        [subject_type, subject],
    )


def test_an_issue_appends_what_is_proposed_and_writes_it_to_files(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    propose_a_score(warehouse, "t1")
    done = issue(warehouse, home)
    assert done is not None
    assert (done.issue_id, done.issued_until, done.rows["scores"]) == (1, date(2025, 1, 31), 1)
    assert files(home) == FILES_OF_ONE_ISSUE
    for table, rows in content(warehouse).items():
        read = "from read_parquet($1) order by all"
        file = str(home.ledger / "000001" / f"{table}.parquet")
        assert warehouse.execute(read, [file]).fetchall() == rows
    state = "select completed_load_id, completed_until, audit_seed from raw.run_state"
    assert warehouse.execute(state).fetchall() == [(7, date(2025, 1, 31), None)]


def test_a_run_over_no_new_day_issues_nothing(home: Home, warehouse: duckdb.DuckDBPyConnection):
    warehouse.execute("update run.build_window set built_from = '2025-02-01'")
    assert issue(warehouse, home) is None
    assert files(home) == []
    assert not any(content(warehouse).values())


def test_an_issue_that_breaks_off_before_its_commit_changes_nothing(
    home: Home, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
):
    propose_a_score(warehouse, "t1")
    write = files_step._write

    def write_and_fail(*arguments: object) -> None:
        write(*arguments)  # type: ignore[arg-type]
        raise OSError("no more")

    monkeypatch.setattr(files_step, "_write", write_and_fail)
    with pytest.raises(OSError, match="no more"):
        issue(warehouse, home)
    assert not any(content(warehouse).values())
    state = "select completed_load_id, completed_until, audit_seed from raw.run_state"
    assert warehouse.execute(state).fetchall() == [(0, None, "seed")]
    # what it had written aside is not taken for an issue
    prepare_ledger(warehouse, home)
    assert files(home) == []
    assert not any(content(warehouse).values())


def test_files_of_an_issue_that_broke_off_after_its_commit_appear_with_the_next_run(
    home: Home, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
):
    propose_a_score(warehouse, "t1")

    def die(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", die)
        with pytest.raises(KeyboardInterrupt):
            issue(warehouse, home)
    issued = content(warehouse)
    assert len(issued["scores"]) == 1
    assert all(file.startswith("pending/") for file in files(home))
    prepare_ledger(warehouse, home)
    assert files(home) == FILES_OF_ONE_ISSUE
    assert content(warehouse) == issued


def test_a_lost_ledger_is_read_back_from_its_files(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    propose_a_score(warehouse, "t1")
    issue(warehouse, home)
    issued = content(warehouse)
    with duckdb.connect() as fresh:
        prepare_raw(fresh, [])
        prepare_ledger(fresh, home)
        assert content(fresh) == issued
        prepare_ledger(fresh, home)
        assert content(fresh) == issued


def test_members_of_cases_are_issued_and_what_fell_below_the_line_is_not_one(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    warehouse.execute(
        """
        insert into alerts.alert_queue by name
        select *, 'transaction' as subject_type, timestamp '2025-01-17 12:00' as occurred_at,
            date '2025-01-20' as review_date
        from (
            values
                ('served', 't1', true, 'mandatory'),
                ('served', 't2', false, 'mandatory'),
                ('kept for a hit that waits', 't4', false, 'mandatory'),
                ('below', 't5', false, null)
        ) as queue (case_id, subject_id, is_alert, lane)
        """
    )
    issue(warehouse, home)
    members = "select case_id, subject_id, is_alert from ledger.case_members order by all"
    assert warehouse.execute(members).fetchall() == [
        ("kept for a hit that waits", "t4", False),
        ("served", "t1", True),
        ("served", "t2", False),
    ]


def test_a_hit_on_what_arrived_late_is_issued_on_its_day_of_the_queue(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    propose_a_hit(warehouse, "claim", "in time")
    propose_a_hit(warehouse, "claim", "late")
    warehouse.execute("insert into alerts.alert_candidates values ('claim', 'late', '2025-02-01')")
    issue(warehouse, home)
    hits = "select issue_id, subject_id from ledger.rule_hits order by all"
    assert warehouse.execute(hits).fetchall() == [(1, "in time")]
    warehouse.execute("update run.build_window set built_until = '2025-02-01'")
    draw_a_seed(warehouse)
    issue(warehouse, home)
    assert warehouse.execute(hits).fetchall() == [(1, "in time"), (2, "late")]


def test_a_run_that_stops_before_days_built_earlier_leaves_what_is_new_to_the_next(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    warehouse.execute(
        """
        update raw.run_state set
            completed_load_id = 3, completed_until = '2025-03-31', requested_since = '2025-01-01'
        """
    )
    issue(warehouse, home)
    state = "select completed_load_id, completed_until, requested_since from raw.run_state"
    assert warehouse.execute(state).fetchall() == [(3, date(2025, 3, 31), date(2025, 1, 1))]
    warehouse.execute("update run.build_window set built_until = '2025-04-01'")
    draw_a_seed(warehouse)
    issue(warehouse, home)
    assert warehouse.execute(state).fetchall() == [(7, date(2025, 4, 1), None)]


def test_days_that_changed_further_back_wait_until_they_are_built(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    state = "select waiting_since from raw.run_state"

    def run(changed_from: str, built_from: str, built_until: str = "2025-01-31") -> object:
        warehouse.execute(
            "update run.build_window set changed_from = $1, built_from = $2, built_until = $3",
            [changed_from, built_from, built_until],
        )
        draw_a_seed(warehouse)
        issue(warehouse, home)
        return warehouse.execute(state).fetchall()[0][0]

    assert run("2025-01-01", "2025-01-01") is None
    assert run("2025-01-10", "2025-01-28") == date(2025, 1, 10)
    # what waits is the earliest, whatever lands later
    assert run("2025-01-20", "2025-01-28") == date(2025, 1, 10)
    assert run("2025-01-31", "2025-01-31") == date(2025, 1, 10)
    assert run("2025-01-15", "2025-01-15") == date(2025, 1, 10)
    # built, but only in part
    assert run("2025-01-10", "2025-01-10", "2025-01-20") == date(2025, 1, 10)
    assert run("2025-01-10", "2025-01-10") is None


def propose_a_version(warehouse: duckdb.DuckDBPyConnection, version: str, fitted_on: str) -> None:
    warehouse.execute(
        """
        insert into detectors.model_fits by name
        select
            'isolation_forest' as detector, $1 as version, $2::date as fitted_on,
            'schedule' as fitted_because, 'isolation_forest' as algorithm, '{}' as parameters,
            '[]' as features, 'v1' as features_version, $2::date as trained_until,
            10 as training_rows, 0 as positive_labels, 0 as negative_labels, 'first' as verdict,
            'none before' as verdict_reason, true as is_promoted, 'fitted' as status
        """,
        [version, fitted_on],
    )


def test_a_version_and_its_promotion_are_issued_once(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    propose_a_version(warehouse, "a", "2025-01-15")
    issue(warehouse, home)
    draw_a_seed(warehouse)
    issue(warehouse, home)
    versions = warehouse.execute("select version from ledger.detector_versions").fetchall()
    promoted = warehouse.execute(
        "select version, champion_from, decided_by, reason from ledger.model_promotions"
    ).fetchall()
    assert versions == [("a",)]
    assert promoted == [("a", date(2025, 1, 15), "comparison", "none before")]


def test_a_version_of_the_risk_is_issued_once(home: Home, warehouse: duckdb.DuckDBPyConnection):
    warehouse.execute(
        """
        insert into scoring.risk_versions by name
        select
            unnest(['noisy_or-1', 'stack-2025-01-15-2']) as version,
            unnest(['noisy_or', 'stack']) as method, date '2025-01-15' as fitted_on,
            1.0 as anomaly_tail_from, 3.0 as anomaly_tail_full, 0 as decided_misuse,
            0 as decided_innocent, true as is_in_use, 'why' as verdict_reason
        """
    )
    issue(warehouse, home)
    draw_a_seed(warehouse)
    issue(warehouse, home)
    versions = "select issue_id, version from ledger.risk_versions order by version"
    assert warehouse.execute(versions).fetchall() == [
        (1, "noisy_or-1"),
        (1, "stack-2025-01-15-2"),
    ]


def test_what_is_decided_between_runs_is_an_issue_that_survives_a_lost_ledger(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    issue(warehouse, home)
    request = (
        "select $1 as detector, date '2025-02-01' as requested_on,"
        " now()::timestamp as requested_at,"
        " 'me' as requested_by, 'to see' as reason"
    )
    assert record(warehouse, home, {"retrain_requests": (request, ["isolation_forest"])}) == {
        "retrain_requests": 1
    }
    propose_a_version(warehouse, "b", "2025-02-01")
    assert record_versions(warehouse, home) == {"model_promotions": 1, "detector_versions": 1}
    before = content(warehouse)
    assert [row[:3] for row in before["issues"]] == [
        (number, day, date(2025, 1, 31))
        for number, day in enumerate(
            [date(2025, 1, 1), date(2025, 1, 31), date(2025, 1, 31)], start=1
        )
    ]
    warehouse.execute("drop schema ledger cascade")
    prepare_ledger(warehouse, home)
    assert content(warehouse) == before


def test_what_cannot_be_recorded_leaves_nothing(home: Home, warehouse: duckdb.DuckDBPyConnection):
    issue(warehouse, home)
    before, written = content(warehouse), files(home)
    with pytest.raises(duckdb.Error):
        record(warehouse, home, {"retrain_requests": ("select 1 as detector", [])})
    assert (content(warehouse), files(home)) == (before, written)


def test_what_follows_an_issue_is_unsettled_until_a_run_is_finished(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    state = "select unsettled_since, requested_since from raw.run_state"
    issue(warehouse, home)
    assert warehouse.execute(state).fetchall() == [(date(2025, 1, 1), None)]
    # the run broke off here: the next one builds the days again, whatever it is asked for
    warehouse.close()
    load_what_landed(home, [], None, None)
    with connect(home) as connection:
        assert connection.execute(state).fetchall() == [(date(2025, 1, 1), date(2025, 1, 1))]
        connection.execute("update run.build_window set built_from = '2025-02-01'")
        issue(connection, home)
        assert connection.execute(state).fetchall()[0][0] == date(2025, 1, 1)
        settle(connection)
        assert connection.execute(state).fetchall()[0][0] is None


def test_a_promotion_after_a_clock_was_set_back_is_still_the_later_one(
    home: Home, warehouse: duckdb.DuckDBPyConnection
):
    propose_a_version(warehouse, "a", "2025-01-15")
    issue(warehouse, home)
    warehouse.execute("update ledger.model_promotions set decided_at = '2099-01-01'")
    propose_a_version(warehouse, "b", "2025-01-16")
    draw_a_seed(warehouse)
    issue(warehouse, home)
    latest = "select max_by(version, decided_at) from ledger.model_promotions"
    assert warehouse.execute(latest).fetchall() == [("b",)]
