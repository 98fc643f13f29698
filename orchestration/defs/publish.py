"""The last asset of a run: the copy that BI tools read."""

from collections.abc import Iterable
from datetime import UTC, datetime

import dagster as dg
import duckdb

from orchestration.engine.fail_points import fail_point
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect
from orchestration.ledger.issue import settle
from orchestration.publication.publish import publish


def published_copy(marts: Iterable[dg.AssetKey]) -> dg.AssetsDefinition:
    """Return the asset of the published copy, which reads the marts."""

    @dg.asset(key=["published", "cardwatch"], group_name="published", deps=marts, kinds={"duckdb"})
    def copy(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Record how the run's checks ended, then replace the published copy as a whole."""
        with connect(Home.from_environment()) as connection:
            _record_checks(context, connection)
            rows = publish(connection, Home.from_environment())
            fail_point("run.published")
            settle(connection)
            fail_point("run.settled")
        report(f"published: {rows['alerts']:,} alerts, {rows['transaction_scores']:,} new scores")
        return dg.MaterializeResult(metadata=dict(rows))

    return copy


def _record_checks(
    context: dg.AssetExecutionContext, connection: duckdb.DuckDBPyConnection
) -> None:
    """Append the outcome of every check of this run, dbt's and Great Expectations', to the log."""
    records = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    rows = []
    for record in records:
        event = record.event_log_entry.dagster_event
        evaluation = event.asset_check_evaluation_data if event else None
        if evaluation is None:
            continue
        rows.append(
            [
                context.run.run_id,
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
