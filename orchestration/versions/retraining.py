"""New versions between the monthly ones: people or the monitoring ask, the next fit answers."""

import getpass
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime

import duckdb

import detectors
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect, require_warehouse
from orchestration.ledger.issue import prepare_ledger, record, record_versions
from orchestration.versions.registry import (
    build_registry,
    first_day_to_issue,
    require_detector,
    require_registry,
)


def request(home: Home, names: Sequence[str], because: str) -> date:
    """Ask for new versions of the given detectors (of all, if none is given).

    Returns the first day that has not been issued, for which they are to be fitted.
    """
    for name in names:
        require_detector(name)
    require_warehouse(home)
    with connect(home) as connection:
        require_registry(connection)
        prepare_ledger(connection, home)
        asked = list(names) or list(detectors.ALGORITHMS)
        return _request(connection, home, asked, getpass.getuser(), because)


def request_recommended(home: Home) -> list[str]:
    """Ask for a new version of what the monitoring recommends to retrain, once in four weeks.

    With CARDWATCH_RETRAINING=manual nothing is asked for: people read the recommendation.
    """
    if os.environ.get("CARDWATCH_RETRAINING") == "manual":
        return []
    with connect(home) as connection:
        recommended = [
            row[0]
            for row in connection.execute(
                """
                select recommendations.detector
                from monitoring.retrain_recommendation as recommendations
                left join marts.model_versions as versions
                    on recommendations.detector = versions.detector
                    and versions.fitted_on
                        > (select max(issued_until) - 28 from ledger.issues)
                left join ledger.retrain_requests as requests
                    on recommendations.detector = requests.detector
                    and requests.requested_on
                        > (select max(issued_until) - 28 from ledger.issues)
                where
                    recommendations.recommendation = 'retrain'
                    and versions.version is null
                    and requests.detector is null
                order by recommendations.detector
                """
            ).fetchall()
        ]
        if recommended:
            _request(connection, home, recommended, "monitoring", "the monitoring recommends it")
    return recommended


def fit_requested(home: Home) -> dict[str, int]:
    """Fit what is due, record it in the ledger and renew the registry's table."""
    call_dbt(home, ["build", "--selector", "retrain"], "the detectors cannot be fitted")
    with connect(home) as connection:
        counts = record_versions(connection, home)
    build_registry(home)
    return counts


def _request(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    names: Sequence[str],
    requested_by: str,
    because: str,
) -> date:
    due = first_day_to_issue(connection)
    now = datetime.now(UTC).replace(tzinfo=None)
    query = """
        select unnest($1::varchar[]) as detector, $2::date as requested_on,
            $3::timestamp as requested_at, $4 as requested_by, $5 as reason
    """
    parameters = [list(names), due, now, requested_by, because]
    record(connection, home, {"retrain_requests": (query, parameters)})
    return due
