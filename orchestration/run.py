"""A whole run through Dagster, and its web page."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from orchestration.definitions import DAILY_RUN, definitions
from orchestration.engine.dbt_project import dbt_environment, parse
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, exclusive_run, project_root
from orchestration.engine.progress import only_progress, report
from orchestration.engine.rows import has_table, one_value
from orchestration.engine.warehouse import connect, disk_full, explain_database_error
from orchestration.landing.feeds import read_feeds
from orchestration.landing.folder import landed_files
from orchestration.landing.load import prepare_raw
from orchestration.settings.company import COMPANY, check_company
from orchestration.settings.policy import check_policy
from orchestration.settings.rules import sync_active_rules
from orchestration.summary import RunSummary, read_summary
from orchestration.unchanged import remember
from orchestration.versions.registry import list_versions
from orchestration.versions.retraining import request

# A disk with less room than this many bytes is what made a run fail.
_FULL = 1_000_000

_INTERRUPTIONS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt")


def run_pipeline(home: Home, since: date | None = None, until: date | None = None) -> RunSummary:
    """Run everything from landed files to the published copy, alone on this home.

    Raises CardwatchError with one sentence when an input, a check or the environment stops it;
    whatever stopped it, nothing half-done is issued or published and the next run completes it.
    """
    started = datetime.now()
    with exclusive_run(home):
        try:
            use_home(home)
            check_policy(project_root())
            company = check_company(project_root())
            if sync_active_rules(project_root()):
                report("rules: macros/rules/active_rules.sql was out of date and is written anew")
            _refuse_nothing_to_do(home)
            _refuse_another_currency(home, company.currency)
            parse(home)
            before = _issued_alerts(home)
            _execute(home, since, until)
        except Exception as error:
            # dbt, Dagster and SQLite each have their own words for it, and not always clear ones
            if shutil.disk_usage(home.root).free < _FULL:
                raise disk_full() from error
            raise
        summary = read_summary(home, before, (datetime.now() - started).total_seconds())
        if until is None:  # else later days may be left to build
            remember(home)
        return summary


def retrain(home: Home, names: Sequence[str], because: str) -> list[dict[str, Any]]:
    """Fit new versions of the given detectors (of all, if none is given) and judge them.

    Returns the new versions as `list_versions` does.
    """
    with exclusive_run(home):
        due = request(home, names, because)
        use_home(home)
        parse(home)
        execute_job(home, "retrain")
    return [row for row in list_versions(home) if row["fitted_on"] == due]


def use_home(home: Home) -> None:
    """Point dbt and Dagster at this home, and give Dagster its settings there."""
    home.create()
    home.dagster.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(
        project_root() / "orchestration" / "dagster.yaml", home.dagster / "dagster.yaml"
    )
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    os.environ.update(dbt_environment(home))


def _refuse_nothing_to_do(home: Home) -> None:
    """Refuse a run on a home without landed files or loaded rows, or with files of no feed."""
    if not landed_files(home, read_feeds()) and not home.warehouse.exists():
        raise CardwatchError(
            f"nothing has landed in {home.landing}; "
            "try `cardwatch demo`, or `cardwatch land FILE --source S --feed F`"
        )


def _refuse_another_currency(home: Home, currency: str) -> None:
    """Refuse a warehouse whose amounts are in another currency than the company's is now."""
    if not home.warehouse.exists():
        return
    with connect(home) as connection:
        if not has_table(connection, "intermediate", "int_transactions"):
            return
        built = connection.execute("select min(currency) from intermediate.int_transactions")
        [(found,)] = built.fetchall()
    if found not in (None, currency):
        raise CardwatchError(
            f"{home.warehouse} has its amounts in {found}, and {COMPANY} says {currency}; set"
            " CARDWATCH_HOME to a new folder and land the files there, or take the change back"
        )


def _execute(home: Home, since: date | None, until: date | None) -> None:
    """Execute a day's run."""
    days = {"since": since, "until": until}
    given = {name: day.isoformat() if day else None for name, day in days.items()}
    execute_job(home, DAILY_RUN, {"landed_files": {"config": given}})


def execute_job(home: Home, name: str, ops: dict[str, Any] | None = None) -> None:
    """Execute one of Dagster's jobs in this process and turn a failure into one sentence."""
    config = {"ops": ops or {}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with only_progress(home.dagster / "said.txt"), dg.DagsterInstance.get() as instance:
        job = definitions().resolve_job_def(name)
        result = job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)
    if not result.success:
        raise _reason(home, result)


def _reason(home: Home, result: dg.ExecuteInProcessResult) -> CardwatchError:
    """Say in one sentence what stopped a run."""
    for check in result.get_asset_check_evaluations():
        if not check.passed and check.blocking and check.description:
            of_a_file = check.check_name == "expectations" and check.asset_key.path[0] != "alerts"
            way_out = f"; correct it in {home.landing} or move it away, and run again"
            return CardwatchError(
                f"a blocking check stopped the run, nothing was issued: {check.description}"
                f"{way_out if of_a_file else ''}"
            )
    errors = [
        getattr(event.event_specific_data, "error", None)
        for event in result.all_node_events
        if event.is_step_failure
    ]
    if any(error and error.cls_name in _INTERRUPTIONS for error in errors):
        return CardwatchError("the run was interrupted; run again to complete it")
    for error in errors:
        while error and error.cause and error.cls_name != CardwatchError.__name__:
            error = error.cause
        if error is not None:
            message = " ".join(str(error.message).split())
            known = explain_database_error(duckdb.Error(message))
            return known or CardwatchError(
                message.removeprefix("orchestration.engine.errors.CardwatchError: ")
            )
    return CardwatchError("the run failed; `cardwatch ui` shows where")


def _issued_alerts(home: Home) -> int:
    """Return the number of alerts issued so far."""
    with connect(home) as connection:
        prepare_raw(connection, read_feeds())
        if not has_table(connection, "ledger", "alerts"):
            return 0
        return int(one_value(connection, "select count(*) from ledger.alerts"))


def serve(home: Home, host: str, port: int) -> None:
    """Serve Dagster's web page until it is interrupted."""
    use_home(home)
    if not (home.dbt_target / "manifest.json").exists():
        parse(home)
    webserver = Path(sys.executable).parent / "dagster-webserver"
    print(f"Dagster shows this home's runs at http://{host}:{port} (stop with Ctrl-C)")
    finished = subprocess.run(
        [webserver, "-m", "orchestration.definitions", "-h", host, "-p", str(port)],
        cwd=project_root(),
        check=False,
    )
    if finished.returncode not in (0, -2, 130):
        raise CardwatchError(
            f"Dagster's web page did not start on {host}:{port}; is the port taken? try --port"
        )
