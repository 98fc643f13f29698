"""The dbt project parses without warnings, and its unit tests pass on a warehouse without rows."""

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


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(Path(tmp_path_factory.mktemp("home")))
    with connect(home) as connection:
        prepare_raw(connection, read_feeds())
        prepare_ledger(connection, home)
    return home


def test_everything_builds_on_a_warehouse_without_rows_and_unit_tests_pass(empty_home: Home):
    dbt(empty_home, "seed")
    dbt(empty_home, "run", "--empty")
    said = dbt(empty_home, "test", "--select", "test_type:unit")
    assert "ERROR=0" in said
    assert "NO-OP=0" in said
    assert " PASS=0 " not in said
