"""The proposed alerts pass their last check and become facts."""

from collections.abc import Iterator

import dagster as dg

from orchestration.defs.checks import check_result
from orchestration.engine.expectations import check
from orchestration.engine.fail_points import fail_point
from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.engine.warehouse import connect
from orchestration.ledger.issue import LEDGER_TABLES, issue

_ALERTS = dg.AssetKey(["alerts", "proposed_alerts"])
_PROPOSED = [
    _ALERTS,
    dg.AssetKey(["alerts", "proposed_alert_reasons"]),
    dg.AssetKey(["alerts", "review_probabilities"]),
]


@dg.asset_check(asset=_ALERTS, name="expectations", blocking=True)
def alert_expectations() -> dg.AssetCheckResult:
    """Great Expectations over the proposed alerts; nothing is issued when one fails."""
    return check_result(check(Home.from_environment(), "alerts", "alerts.proposed_alerts"), _ALERTS)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["ledger", table]), group_name="ledger", deps=_PROPOSED, kinds={"duckdb"}
        )
        for table in LEDGER_TABLES
    ],
    name="issue",
)
def issued() -> Iterator[dg.MaterializeResult[None]]:
    """Append the day's alerts and all they rest on to the ledger, in one transaction."""
    home = Home.from_environment()
    fail_point("run.proposed")
    with connect(home) as connection:
        done = issue(connection, home)
    fail_point("run.issued")
    rows = done.rows if done else {}
    report(f"issue: {rows.get('alerts', 0):,} alerts, {rows.get('scores', 0):,} scores")
    for table in LEDGER_TABLES:
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["ledger", table]), metadata={"rows": rows.get(table, 0)}
        )
