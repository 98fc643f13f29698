"""The event log keeps its connections, and is the log that Dagster itself would have written."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.engine.event_log import EventLog
from orchestration.engine.home import Home, project_root


@dg.asset
def counted() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset_check(asset=counted)
def few() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="three are not few")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with Dagster's settings, which Dagster is pointed at."""
    home = Home(tmp_path)
    home.dagster.mkdir()
    shutil.copy(project_root() / "orchestration" / "dagster.yaml", home.dagster)
    monkeypatch.setenv("CARDWATCH_HOME", str(home.root))
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    return home


def execute() -> str:
    """Run the asset and its check as Dagster does from its settings; return the run's id."""
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, EventLog)
        return dg.materialize([counted, few], instance=instance).run_id


def test_dagsters_own_storage_reads_what_was_written(home: Home):
    runs = [execute() for _ in range(2)]
    folder = home.dagster / "history" / "runs"
    # closed in good order: nothing is left beside the files
    assert {path.name for path in folder.iterdir()} == {
        "index.db",
        *(f"{run}.db" for run in runs),
    }
    own = SqliteEventLogStorage(str(folder))
    for run in runs:
        [check] = own.get_records_for_run(
            run, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
        ).records
        event = check.event_log_entry.dagster_event
        assert event is not None
        assert event.asset_check_evaluation_data.description == "three are not few"
    [record] = own.get_asset_records([counted.key])
    latest = record.asset_entry.last_materialization_record
    assert latest is not None
    assert latest.run_id == runs[-1]


@pytest.mark.usefixtures("home")
def test_a_run_of_long_ago_is_read_between_events_of_the_last():
    first, last = execute(), execute()
    with dg.DagsterInstance.get() as instance:
        logs = [instance.all_logs(run) for run in (first, last, first)]
    assert len(logs[0]) == len(logs[2]) > 0
    assert {entry.run_id for entry in logs[1]} == {last}
