"""The published copy: what BI tools read, replaced as a whole while the pipeline may write on."""

import os
import shutil
from pathlib import Path

import duckdb

from orchestration.engine.home import Home
from orchestration.publication.rule_pages import write_rule_pages

#: Published table -> what it holds. Rewritten at each publication; all of them are small.
PUBLISHED = {
    "alerts": "select * from marts.fct_alerts",
    "alert_reasons": "select * from ledger.alert_reasons",
    "cases": "select * from cases.cases",
    # what was accepted; the others are in quarantined_events
    "case_events": "select * from labels.case_events where is_accepted",
    "case_members": "select * from cases.case_members",
    "case_conflicts": "select * from labels.case_conflicts",
    "case_transitions": "select * from seeds.case_transitions",
    "case_deadlines": "select * from seeds.case_deadlines",
    "working_days": "select * from run.working_days",
    "quarantined_events": "select * from cases.quarantined_events",
    "explanation_requests": "select * from cases.explanation_requests",
    "reminders": "select * from cases.reminders",
    "reviewer_workload": "select * from cases.reviewer_workload",
    "review_agreement": "select * from cases.review_agreement",
    "below_the_line": "select * from ledger.below_the_line",
    "mandatory_backlog": "select * from alerts.mandatory_backlog",
    "rule_catalog": "select * from scoring.rule_catalog",
    "rule_hits": """
        select hits.*, coalesce(transactions.employee_id, claims.employee_id) as employee_id
        from ledger.rule_hits as hits
        left join intermediate.int_transactions as transactions using (transaction_id)
        left join intermediate.int_claims as claims
            on hits.subject_type = 'claim' and hits.subject_id = claims.claim_id
    """,
    "rule_coverage": "select * from marts.rule_coverage_monthly",
    "rule_detection": "select * from evaluation.rule_detection",
    "planned_rules": "select * from seeds.planned_rules",
    "rule_exceptions": "select * from marts.rule_exception_status",
    "model_versions": "select * from marts.model_versions",
    "risk_versions": "select * from ledger.risk_versions",
    "risk_calibration": "select * from evaluation.risk_calibration",
    "risk_calibration_error": "select * from evaluation.risk_calibration_error",
    "rule_firing": "select * from monitoring.rule_firing",
    "label_delay": "select * from monitoring.label_delay",
    "expected_precision": "select * from monitoring.expected_precision",
    "feature_drift": "select * from monitoring.feature_drift",
    "score_drift": "select * from monitoring.score_drift",
    "attribution_trend": "select * from monitoring.attribution_trend",
    "retrain_recommendation": "select * from monitoring.retrain_recommendation",
    "load_manifest": "select * from raw.load_manifest",
    "quality_results": "select * from monitoring.quality_results",
}

#: Large published tables, as Parquet files by month: only months with something new are written.
PARTITIONED = {"transaction_scores": ("ledger.scores", "transaction_date")}


def publish(connection: duckdb.DuckDBPyConnection, home: Home) -> dict[str, int]:
    """Write the published copy beside the present one and put it in its place by one rename.

    Readers of the present copy keep what they have open. Returns the rows of every published
    table, and for the partitioned ones the rows written this time.
    """
    home.published.mkdir(parents=True, exist_ok=True)
    rows = _publish_tables(connection, home.published / "cardwatch.duckdb")
    for table, (relation, day_column) in PARTITIONED.items():
        rows[table] = _publish_months(connection, home.published / table, relation, day_column)
    rows["rule_pages"] = write_rule_pages(connection, home.published / "rules")
    return rows


def _publish_tables(connection: duckdb.DuckDBPyConnection, target: Path) -> dict[str, int]:
    """Write all small tables into a new database file, and each as a Parquet file beside it."""
    fresh = target.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    rows = {}
    connection.execute(f"attach '{_quoted(fresh)}' as published")
    try:
        for table, query in PUBLISHED.items():
            connection.execute(f"create table published.main.{table} as {query}")
            counted = connection.execute(f"select count(*) from published.main.{table}").fetchone()
            rows[table] = int(counted[0]) if counted else 0
            file = target.parent / f"{table}.parquet"
            _replace_by_query(connection, f"from published.main.{table}", file)
    finally:
        connection.execute("detach published")
    os.replace(fresh, target)  # noqa: PTH105  the point is the atomic replacement
    return rows


def _publish_months(
    connection: duckdb.DuckDBPyConnection, folder: Path, relation: str, day_column: str
) -> int:
    """Write the months that a new issue touched; a file's name says which issue was its last."""
    months = connection.execute(
        f"""
        select strftime(date_trunc('month', {day_column}), '%Y-%m'), max(issue_id), count(*)
        from {relation}
        group by 1
        order by 1
        """
    ).fetchall()
    written = 0
    for month, issue_id, count in months:
        partition = folder / f"month={month}"
        file = partition / f"issue_{issue_id:06d}.parquet"
        if file.exists():
            continue
        partition.mkdir(parents=True, exist_ok=True)
        _replace_by_query(
            connection,
            f"from {relation} where strftime({day_column}, '%Y-%m') = '{month}' order by all",
            file,
        )
        for older in partition.glob("issue_*.parquet"):
            if older != file:
                older.unlink()
        written += count
    known = {f"month={month}" for month, _, _ in months}
    for partition in folder.glob("month=*"):
        if partition.name not in known:
            shutil.rmtree(partition)
    return written


def _replace_by_query(connection: duckdb.DuckDBPyConnection, query: str, file: Path) -> None:
    """Write a query's rows to a Parquet file that appears whole or not at all."""
    fresh = file.with_suffix(".new")
    connection.execute(f"copy ({query}) to '{_quoted(fresh)}' (format parquet, compression zstd)")
    os.replace(fresh, file)  # noqa: PTH105  the point is the atomic replacement


def _quoted(path: Path) -> str:
    """Return a path as the inside of an SQL text."""
    return str(path).replace("'", "''")
