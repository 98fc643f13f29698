"""Where a home is, and that two runs never share one."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, exclusive_run, project_root

HOLD = """
import sys, time
from pathlib import Path
from orchestration.engine.home import Home, exclusive_run
with exclusive_run(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_project_root_is_the_dbt_project() -> None:
    assert (project_root() / "dbt_project.yml").is_file()


@pytest.mark.parametrize("unset", [None, ""])
def test_the_default_home_is_var_in_the_project(
    monkeypatch: pytest.MonkeyPatch, unset: str | None
) -> None:
    monkeypatch.delenv("CARDWATCH_HOME", raising=False)
    if unset is not None:
        monkeypatch.setenv("CARDWATCH_HOME", unset)
    assert Home.from_environment().root == project_root() / "var"


def test_the_environment_chooses_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CARDWATCH_HOME", "elsewhere")
    assert Home.from_environment().root == tmp_path / "elsewhere"
    monkeypatch.setenv("CARDWATCH_HOME", "~/elsewhere")
    assert Home.from_environment().root == Path.home() / "elsewhere"


def test_everything_lies_inside_the_home_and_nowhere_twice(tmp_path: Path) -> None:
    home = Home(tmp_path)
    places = [
        home.warehouse,
        home.landing,
        home.ledger,
        home.published,
        home.truth,
        home.dbt_target,
        home.dagster,
        home.temporary,
    ]
    assert {place.parent for place in places} == {tmp_path}
    assert len(set(places)) == len(places)
    with pytest.raises(FrozenInstanceError):
        home.root = tmp_path / "other"  # type: ignore[misc]


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(CardwatchError, match="not a folder; set it to a folder"):
            Home(root).create()


def test_a_second_run_beside_the_first_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    sentence = (
        rf"another cardwatch run \(process {os.getpid()}, since \d\d:\d\d\) "
        rf"is using {re.escape(str(home.root))}; wait for it or stop it"
    )
    with exclusive_run(home):
        with pytest.raises(CardwatchError, match=sentence), exclusive_run(home):
            pytest.fail("two runs at once")
        # The refusal has not taken the lock away from the first run.
        with pytest.raises(CardwatchError), exclusive_run(home):
            pytest.fail("two runs at once")
    with exclusive_run(home):
        pass


def test_a_run_that_failed_or_was_killed_leaves_the_home_free(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(ZeroDivisionError), exclusive_run(home):
        raise ZeroDivisionError
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home.root)],
        cwd=project_root(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CardwatchError, match=f"process {holder.pid}"), exclusive_run(home):
            pytest.fail("two runs at once")
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert holder.stdout is not None
        holder.stdout.close()
    with exclusive_run(home):
        pass
