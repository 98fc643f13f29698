"""The last asset of a run: the copy that BI tools read."""

from datetime import UTC, datetime

import dagster as dg
import duckdb

from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect
from orchestration.publication.publish import publish

_READ = [
    dg.AssetKey(["marts", "fct_alerts"]),
    dg.AssetKey(["marts", "rule_coverage_monthly"]),
    dg.AssetKey(["cases", "cases"]),
    dg.AssetKey(["cases", "case_members"]),
    dg.AssetKey(["cases", "quarantined_events"]),
    dg.AssetKey(["cases", "explanation_requests"]),
    dg.AssetKey(["cases", "reminders"]),
    dg.AssetKey(["cases", "reviewer_workload"]),
    dg.AssetKey(["cases", "review_agreement"]),
    dg.AssetKey(["scoring", "rule_catalog"]),
    dg.AssetKey(["monitoring", "retrain_recommendation"]),
    dg.AssetKey(["monitoring", "attribution_trend"]),
    dg.AssetKey(["monitoring", "score_drift"]),
    dg.AssetKey(["monitoring", "feature_drift"]),
    dg.AssetKey(["monitoring", "expected_precision"]),
    dg.AssetKey(["monitoring", "label_delay"]),
    dg.AssetKey(["monitoring", "rule_firing"]),
]


@dg.asset(key=["published", "cardwatch"], group_name="published", deps=_READ, kinds={"duckdb"})
def published_copy(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """Record how the run's checks ended, then replace the published copy as a whole."""
    with connect(Home.from_environment()) as connection:
        _record_checks(context, connection)
        rows = publish(connection, Home.from_environment())
    report(f"published: {rows['alerts']:,} alerts, {rows['transaction_scores']:,} new scores")
    return dg.MaterializeResult(metadata=dict(rows))


def _record_checks(
    context: dg.AssetExecutionContext, connection: duckdb.DuckDBPyConnection
) -> None:
    """Append the outcome of every check of this run, dbt's and Great Expectations', to the log."""
    connection.execute(
        """
        create schema if not exists monitoring;
        create table if not exists monitoring.quality_results (
            run_id varchar not null,
            checked_at timestamp not null,
            asset varchar not null,
            check_name varchar not null,
            passed boolean not null,
            blocking boolean not null,
            description varchar
        )
        """
    )
    records = context.instance.get_records_for_run(
        context.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    rows = []
    for record in records:
        event = record.event_log_entry.dagster_event
        evaluation = event.asset_check_evaluation_data if event else None
        if evaluation is None:
            continue
        rows.append(
            [
                context.run_id,
                datetime.fromtimestamp(record.event_log_entry.timestamp, UTC).replace(tzinfo=None),
                evaluation.asset_key.to_user_string(),
                evaluation.check_name,
                evaluation.passed,
                evaluation.blocking,
                evaluation.description,
            ]
        )
    if rows:
        connection.executemany(
            "insert into monitoring.quality_results values (?, ?, ?, ?, ?, ?, ?)", rows
        )
