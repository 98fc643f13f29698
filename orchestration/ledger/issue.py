"""The issue step: a run's proposals become facts, in one transaction and once only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

import detectors
from orchestration.engine.home import Home
from orchestration.engine.rows import has_rows, named_rows, one_value
from orchestration.ledger.files import bring_together, check_files, new_issue

#: SQL: when a decision on versions is taken. A later one counts, so a clock that was set back must
#: not make it the earlier of two.
DECISION_TIME = """greatest(
    now()::timestamp,
    (select max(decided_at) + interval 1 microsecond from ledger.model_promotions)
)"""

#: Ledger table -> what a run appends to it. Everything is read from what the checked dbt models
#: propose; nothing is computed here.
_APPENDED = {
    "alerts": "select * from alerts.proposed_alerts",
    "alert_reasons": """
        select alerts.alert_id, reasons.* exclude (subject_type, subject_id)
        from alerts.proposed_alert_reasons as reasons
        inner join alerts.proposed_alerts as alerts using (subject_type, subject_id)
    """,
    "case_members": """
        select
            case_id, subject_type, subject_id, transaction_id, is_alert, review_date as joined_on,
            occurred_at, employee_id, merchant_id, approver_id, common_cause
        from alerts.alert_queue
        where lane is not null
        union all
        select
            case_id, subject_type, subject_id, transaction_id, true as is_alert,
            alert_date as joined_on, occurred_at, employee_id, merchant_id, null as approver_id,
            null as common_cause
        from alerts.proposed_alerts
        where lane = 'audit'
    """,
    "below_the_line": "select * from alerts.below_the_line",
    "scores": """
        select
            risk.* exclude (
                authorized_at, is_mandatory, is_explained, is_anomaly_explained, tree_risk,
                anomaly_risk
            ),
            probabilities.lane,
            probabilities.silence_id,
            probabilities.review_probability,
            (select any_value(policy_version) from alerts.policy) as policy_version
        from alerts.review_probabilities as probabilities
        inner join scoring.risk as risk using (transaction_id)
    """,
    "rule_hits": """
        select hits.* exclude (occurred_on)
        from scoring.rule_hits as hits
        anti join ledger.rule_hits as issued
            using (rule_id, rule_version, subject_type, subject_id)
        -- what arrived late is settled on its day of the queue, and so are its hits
        anti join (
            select subject_type, subject_id
            from alerts.alert_candidates
            where queued_on > (select built_until from run.build_window)
        ) as not_yet_due
            using (subject_type, subject_id)
        where hits.occurred_on <= (select built_until from run.build_window)
    """,
    "audit_draws": """
        select transaction_id, queued_on as drawn_on, review_probability
        from alerts.review_probabilities
        where is_audit_draw
    """,
    "risk_versions": """
        select fitted.*
        from scoring.risk_versions as fitted
        anti join ledger.risk_versions as issued using (version)
    """,
    # before detector_versions, whose absence says what is new
    "model_promotions": f"""
        select
            detector,
            version,
            fitted_on as champion_from,
            {DECISION_TIME} as decided_at,
            'comparison' as decided_by,
            verdict_reason as reason
        from detectors.model_fits
        anti join ledger.detector_versions as issued using (detector, fitted_on)
        where is_promoted
    """,
    "detector_versions": """
        select fitted.*
        from detectors.model_fits as fitted
        anti join ledger.detector_versions as issued using (detector, fitted_on)
    """,
}


# The files that runs have finished with since the last issue.
_LOADS = """
    select load_id, source, feed, file, file_hash, loaded_at
    from raw.load_manifest
    anti join ledger.loads as issued using (load_id)
    where load_id <= (select completed_load_id from raw.run_state)
    order by load_id
"""

#: Tables of the ledger, the issues first. What retraining is asked for comes between runs.
LEDGER_TABLES = ("issues", *_APPENDED, "loads", "retrain_requests")


@dataclass(frozen=True)
class Issue:
    """One issue: its number, the days it settles and how many rows it appended to each table."""

    issue_id: int
    issued_from: date
    issued_until: date
    rows: dict[str, int]


def prepare_ledger(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Create the ledger's tables, and let warehouse and files hold the same issues.

    An issue that broke off is finished or dropped, and what a lost warehouse lacks is read back
    from the files. Raises CardwatchError where a file is missing, changed or cut.
    """
    connection.execute((Path(__file__).parent / "ledger.sql").read_text(encoding="utf-8"))
    for detector in detectors.ALGORITHMS:
        if detector != detectors.TREE:  # which gives a probability instead
            connection.execute(
                f"alter table ledger.scores add column if not exists {detector}_tail double"
            )
    bring_together(connection, home, LEDGER_TABLES)


def check_ledger(connection: duckdb.DuckDBPyConnection, home: Home) -> int:
    """Read every file of the ledger; return the number of issues.

    Raises CardwatchError where a file is not, byte for byte, what was issued.
    """
    prepare_ledger(connection, home)
    return check_files(home)


def issue(connection: duckdb.DuckDBPyConnection, home: Home) -> Issue | None:
    """Append the proposed alerts and all they rest on to the ledger and to its files.

    Returns None when the run's days were issued before and nothing new is proposed. Either all
    of it is issued or nothing: tables change in one transaction, files appear by one rename.
    The files whose rows the run has finished with are noted in the order of their loads.
    """
    window = connection.execute(
        "select built_from, built_until, changed_from, latest_load_id from run.build_window"
    ).fetchone()
    if window is None:
        return None
    built_from, built_until, *_ = window
    if built_from is None or built_from > built_until:
        _complete_run(connection, *window)
        if has_rows(connection, "from ledger.issues") and has_rows(connection, _LOADS):
            record(connection, home, {"loads": (_LOADS, [])})
        return None
    with new_issue(connection, home, LEDGER_TABLES) as issue_id:
        rows = _append(connection, issue_id, built_from, built_until)
        _complete_run(connection, *window)
        rows["loads"] = _insert(connection, issue_id, "loads", _LOADS, [])
    return Issue(issue_id, built_from, built_until, rows)


def settle(connection: duckdb.DuckDBPyConnection) -> None:
    """Note that all that follows an issue is done: cases, evaluation, monitoring, publication.

    A run that breaks off before has issued its days, and the next one builds them anew.
    """
    connection.execute("update raw.run_state set unsettled_since = null")


def record(
    connection: duckdb.DuckDBPyConnection, home: Home, rows: Mapping[str, tuple[str, list[object]]]
) -> dict[str, int]:
    """Append to the ledger the decisions taken between runs: promotions, requests, fits on demand.

    rows: ledger table -> query and its parameters. It becomes an issue of its own without alerts,
    on the last day that was issued; all of it is recorded or nothing.
    """
    with new_issue(connection, home, LEDGER_TABLES) as issue_id:
        counts = {
            table: _insert(connection, issue_id, table, query, parameters)
            for table, (query, parameters) in rows.items()
        }
        connection.execute(
            """
            insert into ledger.issues
            select $1, max(issued_until), max(issued_until), $2, 'none', 0, 0 from ledger.issues
            """,
            [issue_id, datetime.now(UTC).replace(tzinfo=None)],
        )
    return counts


def loads_of_before(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the loads that the ledger knows, in their order; columns as in raw.load_manifest."""
    return named_rows(
        connection,
        "select * exclude (issue_id) from ledger.loads order by load_id",
    )


def record_versions(connection: duckdb.DuckDBPyConnection, home: Home) -> dict[str, int]:
    """Append the versions that were fitted on demand, and the promotions that follow from them."""
    tables = ("model_promotions", "detector_versions")
    return record(connection, home, {table: (_APPENDED[table], []) for table in tables})


def _append(
    connection: duckdb.DuckDBPyConnection, issue_id: int, built_from: date, built_until: date
) -> dict[str, int]:
    """Append the proposed rows to every ledger table; return the number of rows of each."""
    rows = {
        table: _insert(connection, issue_id, table, query, []) for table, query in _APPENDED.items()
    }
    now = datetime.now(UTC).replace(tzinfo=None)
    connection.execute(
        """
        insert into ledger.issues
        select $1, $2, $3, $4, run_state.audit_seed, $5, $6 from raw.run_state
        """,
        [issue_id, built_from, built_until, now, rows["alerts"], rows["scores"]],
    )
    return rows


def _insert(
    connection: duckdb.DuckDBPyConnection,
    issue_id: int,
    table: str,
    query: str,
    parameters: list[object],
) -> int:
    """Append a query's rows to a ledger table under an issue's number; return how many."""
    insert = f"insert into ledger.{table} by name select {issue_id} as issue_id, * from ({query})"
    inserted: int = one_value(connection, insert, parameters)
    return inserted


def _complete_run(
    connection: duckdb.DuckDBPyConnection,
    built_from: date | None,
    built_until: date,
    changed_from: date | None,
    latest_load_id: int | None,
) -> None:
    """Note up to which load and day runs are finished, and what is left to the next one."""
    connection.execute(
        """
        update raw.run_state
        -- a run asked to stop before days that were built earlier leaves them for the next
        set completed_load_id = case
                when $2 >= coalesce(completed_until, $2)
                    then greatest(completed_load_id, $4)
                else completed_load_id
            end,
            completed_until = greatest(completed_until, $2),
            requested_since = case
                when $2 < completed_until then requested_since
            end,
            requested_until = null,
            audit_seed = null,
            unsettled_since = case
                when $1 <= $2 then least(unsettled_since, $1)
                else unsettled_since
            end,
            -- days whose facts changed further back than their features were computed
            waiting_since = case
                when $3 < $1 then least(waiting_since, $3)
                when $1 <= waiting_since and $2 >= coalesce(completed_until, $2) then null
                else waiting_since
            end
        """,
        [built_from, built_until, changed_from, latest_load_id or 0],
    )
