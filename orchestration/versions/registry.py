"""The registry from the command line: list, compare, promote, roll back and retrain versions."""

import getpass
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

import detectors
from orchestration.engine.dbt_project import call_dbt, parse
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, exclusive_run
from orchestration.engine.rows import has_table, one_value
from orchestration.engine.warehouse import connect
from orchestration.ledger.issue import prepare_ledger, record, record_versions

#: Figures of a version that people compare, in this order.
FIGURES = (
    "average_precision",
    "precision_at_budget",
    "recall_at_budget",
    "value_share_at_budget",
    "card_precision_100",
    "expected_to_observed",
    "calibration_error",
    "far_tail_share",
)

_REGISTRY = ["run", "--select", "model_versions"]


@dataclass(frozen=True)
class Change:
    """A version became champion: from which day on it scores, and instead of which."""

    detector: str
    version: str
    instead_of: str
    champion_from: date
    warning: str | None


def list_versions(home: Home, detector: str | None = None) -> list[dict[str, Any]]:
    """Every version with its stage and figures, newest first within a detector."""
    if detector is not None:
        _require_detector(detector)
    with connect(home, read_only=True) as connection:
        _require_registry(connection)
        found = connection.execute(
            """
            select * from marts.model_versions
            where detector = coalesce($1, detector)
            order by detector, fitted_on desc
            """,
            [detector],
        ).to_arrow_table()
    rows: list[dict[str, Any]] = found.to_pylist()
    for row in rows:
        for name in ("parameters", "features", "metrics", "comparison"):
            row[name] = json.loads(row[name]) if row[name] else None
    return rows


def compare(home: Home, detector: str) -> dict[str, Any]:
    """The candidate of a detector beside its champion, on the days that both were judged on."""
    rows = list_versions(home, detector)
    champion = next((row for row in rows if row["stage"] == "champion"), None)
    candidate = next((row for row in rows if row["stage"] == "candidate"), None)
    if champion is None:
        raise CardwatchError(f"{detector} has no champion yet; {_why_none(rows)}")
    if candidate is None:
        raise CardwatchError(
            f"{detector} has no candidate beside {champion['version']}; "
            f"`cardwatch models retrain {detector}` fits one"
        )
    return {"detector": detector, "champion": champion, "candidate": candidate}


def promote(home: Home, version: str, because: str) -> Change:
    """Make a version champion from the first day on that has not been issued.

    Raises CardwatchError for a version that does not exist, is champion, or cannot be loaded.
    """
    with exclusive_run(home):
        with connect(home) as connection:
            _require_registry(connection)
            prepare_ledger(connection, home)
            found = connection.execute(
                "select * exclude (issue_id) from ledger.detector_versions where version = $1",
                [version],
            ).to_arrow_table()
            if found.num_rows == 0:
                raise CardwatchError(f"there is no version {version}; see `cardwatch models`")
            row = found.to_pylist()[0]
            if row["status"] != "fitted":
                raise CardwatchError(f"{version} was not fitted ({row['note']}); choose another")
            try:
                detectors.verify(row)
            except detectors.DetectorError as error:
                raise CardwatchError(f"{version} cannot be promoted: {error}") from error
            warning = None
            if row["verdict"] in ("worse", "unknown"):
                warning = (
                    f"its comparison with {row['compared_with']} came to {row['verdict']!r}: "
                    f"{row['verdict_reason']}"
                )
            change = _promote(connection, home, row["detector"], version, because, warning)
        call_dbt(home, _REGISTRY, "the registry cannot be built")
    return change


def roll_back(home: Home, detector: str, because: str) -> Change:
    """Make the version champion again that was so before the present one."""
    with exclusive_run(home):
        with connect(home) as connection:
            _require_registry(connection)
            _require_detector(detector)
            prepare_ledger(connection, home)
            periods = [version for _, version in _periods(connection, detector)]
            earlier = [version for version in periods if version != periods[-1]]
            if not earlier:
                raise CardwatchError(f"{detector} had no champion before the present one")
            change = _promote(connection, home, detector, earlier[-1], because, None)
        call_dbt(home, _REGISTRY, "the registry cannot be built")
    return change


def retrain(home: Home, names: Sequence[str], because: str) -> list[dict[str, Any]]:
    """Fit new versions of the given detectors (of all, if none is given) and judge them.

    Runs Dagster's job `retrain`. Returns the new versions as `list_versions` does.
    """
    for name in names:
        _require_detector(name)
    with exclusive_run(home):
        with connect(home) as connection:
            _require_registry(connection)
            prepare_ledger(connection, home)
            last = _last_issued(connection)
            asked = list(names) or list(detectors.ALGORITHMS)
            request(connection, home, asked, last + timedelta(days=1), getpass.getuser(), because)
        # imported late: it brings Dagster, which listing versions does not need
        from orchestration.run import execute_job, use_home

        use_home(home)
        parse(home)
        execute_job(home, "retrain")
    due = last + timedelta(days=1)
    return [row for row in list_versions(home) if row["fitted_on"] == due]


def request(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    names: Sequence[str],
    requested_on: date,
    requested_by: str,
    because: str,
) -> int:
    """Record that detectors are to be fitted on a day; returns how many."""
    counts = record(
        connection,
        home,
        {
            "retrain_requests": (
                """
                select unnest($1::varchar[]) as detector, $2::date as requested_on,
                    $3::timestamp as requested_at, $4 as requested_by, $5 as reason
                """,
                [list(names), requested_on, _now(), requested_by, because],
            )
        },
    )
    return counts["retrain_requests"]


def fit_requested(home: Home) -> dict[str, int]:
    """Fit what is due, record it in the ledger and renew the registry's table."""
    call_dbt(home, ["build", "--selector", "retrain"], "the detectors cannot be fitted")
    with connect(home) as connection:
        counts = record_versions(connection, home)
    call_dbt(home, _REGISTRY, "the registry cannot be built")
    return counts


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
            due = _last_issued(connection) + timedelta(days=1)
            request(
                connection, home, recommended, due, "monitoring", "the monitoring recommends it"
            )
    return recommended


def describe_versions(rows: Sequence[dict[str, Any]]) -> str:
    """The registry as lines for a terminal."""
    lines = []
    for row in rows:
        figures = row["metrics"] or {}
        precision = figures.get("average_precision")
        judged = (
            f"average precision {precision:.3f}, "
            f"{figures['value_share_at_budget']:.0%} of the value at budget "
            f"({row['holdout_from']} to {row['holdout_until']})"
            if precision is not None
            else "not judged on labelled days"
        )
        if row["stage"] == "skipped":
            judged = str(row["note"])
        lines.append(f"{row['stage']:<10}{row['version']:<52}{judged}")
        if row["champion_from"]:
            until = f" to {row['champion_until']}" if row["champion_until"] else ""
            lines.append(
                f"{'':<10}scores from {row['champion_from']}{until}, promoted by "
                f"{row['promoted_by']}: {row['promoted_because']}"
            )
        elif row["stage"] == "candidate":
            lines.append(
                f"{'':<10}{row['verdict']} than {row['compared_with']}: {row['verdict_reason']}"
                if row["verdict"] in ("better", "not better", "worse")
                else f"{'':<10}{row['verdict']}: {row['verdict_reason']}"
            )
    return "\n".join(lines)


def describe_comparison(found: dict[str, Any]) -> str:
    """Champion and candidate side by side, and what the comparison came to."""
    champion, candidate = found["champion"], found["candidate"]
    lines = [
        f"champion   {champion['version']}, judged {champion['holdout_from']} to "
        f"{champion['holdout_until']}",
        f"candidate  {candidate['version']}, judged {candidate['holdout_from']} to "
        f"{candidate['holdout_until']}",
        "",
        f"{'on its own holdout':<26}{'champion':>12}{'candidate':>12}",
    ]
    for name in FIGURES:
        values = [(row["metrics"] or {}).get(name) for row in (champion, candidate)]
        if any(value is not None for value in values):
            shown = ["" if value is None else f"{value:.3f}" for value in values]
            lines.append(f"{name.replace('_', ' '):<26}{shown[0]:>12}{shown[1]:>12}")
    lines.append("")
    if candidate["compared_with"] != champion["version"]:
        lines.append(
            f"the candidate was compared with {candidate['compared_with']}, which is no longer "
            f"champion; `cardwatch models retrain {found['detector']}` compares anew"
        )
    precision = (candidate["comparison"] or {}).get("average_precision")
    if precision:
        lines.append(
            f"on the same days: average precision {precision['difference']:+.3f} "
            f"[{precision['low']:+.3f}, {precision['high']:+.3f}]"
        )
    lines.append(f"verdict: {candidate['verdict']} ({candidate['verdict_reason']})")
    lines.append(
        f"`cardwatch models promote {candidate['version']} --because REASON` makes it champion"
    )
    return "\n".join(lines)


def describe_change(change: Change) -> str:
    """What a promotion did, in one or two lines."""
    lines = [
        f"{change.version} is champion of {change.detector} instead of {change.instead_of} and "
        f"scores from {change.champion_from} on"
    ]
    if change.warning:
        lines.append(f"note: {change.warning}")
    return "\n".join(lines)


def _promote(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    detector: str,
    version: str,
    because: str,
    warning: str | None,
) -> Change:
    """Record a promotion; runs while nobody else writes."""
    if not because.strip():
        raise CardwatchError("a promotion needs a reason; say it with --because")
    periods = _periods(connection, detector)
    present = periods[-1][1] if periods else "none"
    if present == version:
        raise CardwatchError(f"{version} is the champion of {detector} already")
    champion_from = _last_issued(connection) + timedelta(days=1)
    record(
        connection,
        home,
        {
            "model_promotions": (
                """
                select $1 as detector, $2 as version, $3::date as champion_from,
                    $4::timestamp as decided_at, $5 as decided_by, $6 as reason
                """,
                [detector, version, champion_from, _now(), getpass.getuser(), because],
            )
        },
    )
    return Change(detector, version, present, champion_from, warning)


def _periods(connection: duckdb.DuckDBPyConnection, detector: str) -> list[tuple[date, str]]:
    """First days and versions of a detector's champions, earliest first."""
    return connection.execute(
        """
        select champion_from, arg_max(version, (decided_at, issue_id))
        from ledger.model_promotions
        where detector = $1
        group by champion_from
        order by champion_from
        """,
        [detector],
    ).fetchall()


def _require_detector(name: str) -> None:
    if name not in detectors.ALGORITHMS:
        raise CardwatchError(
            f"there is no detector {name}; there are {', '.join(detectors.ALGORITHMS)}"
        )


def _require_registry(connection: duckdb.DuckDBPyConnection) -> None:
    if not has_table(connection, "marts", "model_versions"):
        raise CardwatchError("nothing has been fitted yet; `cardwatch run` does it")


def _last_issued(connection: duckdb.DuckDBPyConnection) -> date:
    last: date | None = one_value(connection, "select max(issued_until) from ledger.issues")
    if last is None:
        raise CardwatchError("nothing has been issued yet; `cardwatch run` does it")
    return last


def _why_none(rows: Sequence[dict[str, Any]]) -> str:
    return str(rows[0]["note"]) if rows else "`cardwatch run` fits one when there is enough history"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
