"""The registry of the detectors' versions: list, compare, promote and roll back."""

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

import detectors
from orchestration.engine.dbt_project import call_dbt
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, exclusive_run
from orchestration.engine.rows import has_table, one_value
from orchestration.engine.warehouse import connect, require_warehouse
from orchestration.ledger.issue import DECISION_TIME, prepare_ledger, record


@dataclass(frozen=True)
class Change:
    """A version became champion: from which day on it scores, and instead of which.

    `verdict` is what its comparison with `compared_with` came to, as in model_versions.
    """

    detector: str
    version: str
    instead_of: str | None
    champion_from: date
    verdict: str | None
    compared_with: str | None
    verdict_reason: str | None


def list_versions(home: Home, detector: str | None = None) -> list[dict[str, Any]]:
    """Every version with its stage and figures, newest first within a detector."""
    if detector is not None:
        require_detector(detector)
    with connect(home, read_only=True) as connection:
        require_registry(connection)
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
    require_warehouse(home)
    with exclusive_run(home):
        with connect(home) as connection:
            require_registry(connection)
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
            change = _promote(connection, home, row, because)
        build_registry(home)
    return change


def roll_back(home: Home, detector: str, because: str) -> Change:
    """Make the version champion again that was so before the present one."""
    require_warehouse(home)
    with exclusive_run(home):
        with connect(home) as connection:
            require_registry(connection)
            require_detector(detector)
            prepare_ledger(connection, home)
            periods = [version for _, version in _periods(connection, detector)]
            earlier = [version for version in periods if version != periods[-1]]
            if not earlier:
                raise CardwatchError(f"{detector} had no champion before the present one")
            back = {"detector": detector, "version": earlier[-1]}
            change = _promote(connection, home, back, because)
        build_registry(home)
    return change


def _promote(
    connection: duckdb.DuckDBPyConnection, home: Home, row: Mapping[str, Any], because: str
) -> Change:
    """Record the promotion of a version; runs while nobody else writes.

    `row` has its detector and version, and its verdict where that still matters.
    """
    if not because.strip():
        raise CardwatchError("a promotion needs a reason; say it with --because")
    detector, version = row["detector"], row["version"]
    periods = _periods(connection, detector)
    present = periods[-1][1] if periods else None
    if present == version:
        raise CardwatchError(f"{version} is the champion of {detector} already")
    champion_from = first_day_to_issue(connection)
    query = f"""
        select $1 as detector, $2 as version, $3::date as champion_from,
            {DECISION_TIME} as decided_at, $4 as decided_by, $5 as reason
    """
    parameters = [detector, version, champion_from, getpass.getuser(), because]
    record(connection, home, {"model_promotions": (query, parameters)})
    judged = (row.get(name) for name in ("verdict", "compared_with", "verdict_reason"))
    return Change(detector, version, present, champion_from, *judged)


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


def _why_none(rows: Sequence[dict[str, Any]]) -> str:
    return str(rows[0]["note"]) if rows else "`cardwatch run` fits one when there is enough history"


def build_registry(home: Home) -> None:
    """Build the table of all versions from the ledger."""
    call_dbt(home, ["run", "--select", "model_versions"], "the registry cannot be built")


def require_detector(name: str) -> None:
    """Refuse the name of a detector that does not exist."""
    if name not in detectors.ALGORITHMS:
        raise CardwatchError(
            f"there is no detector {name}; there are {', '.join(detectors.ALGORITHMS)}"
        )


def require_registry(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a warehouse in which no detector was ever fitted."""
    if not has_table(connection, "marts", "model_versions"):
        raise CardwatchError("nothing has been fitted yet; `cardwatch run` does it")


def first_day_to_issue(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the first day that has not been issued; CardwatchError where nothing was."""
    last: date | None = one_value(connection, "select max(issued_until) from ledger.issues")
    if last is None:
        raise CardwatchError("nothing has been issued yet; `cardwatch run` does it")
    return last + timedelta(days=1)
