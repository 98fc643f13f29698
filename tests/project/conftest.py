"""A warehouse that dbt built without a row, with the SQL that it compiled."""

import os
import subprocess
from pathlib import Path

import pytest

from orchestration.dbt_project import dbt_environment, dbt_executable
from orchestration.home import Home, project_root
from orchestration.issue import prepare_ledger
from orchestration.landing import prepare_raw
from orchestration.sources import read_feeds
from orchestration.warehouse import connect


def dbt(home: Home, *arguments: str) -> str:
    """Run dbt in the home and return what it said; fail the test when it fails."""
    finished = subprocess.run(
        [dbt_executable(), "--no-use-colors", *arguments],
        cwd=project_root(),
        env={**os.environ, **dbt_environment(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-2000:]
    return finished.stdout


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(Path(tmp_path_factory.mktemp("home")))
    with connect(home) as connection:
        prepare_raw(connection, read_feeds())
        prepare_ledger(connection, home)
    return home


@pytest.fixture(scope="session")
def built_home(empty_home: Home) -> Home:
    models = ("--exclude-resource-type", "test", "unit_test")
    dbt(empty_home, "build", "--empty", *models)
    # what --empty compiles reads nothing
    folders = [f"path:models/{name}" for name in ("rules", "labels", "alerts", "cases")]
    models = (*folders, "rule_hits", "int_working_days", "detector_training_sample")
    dbt(empty_home, "compile", "--select", *models)
    return empty_home
