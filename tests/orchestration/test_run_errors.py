"""A user's mistake or a full disk ends a run in one sentence, with the home as it was before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from great_expectations.execution_engine import sqlalchemy_execution_engine

from orchestration.engine.errors import CardwatchError
from orchestration.engine.expectations import _keep_duckdb_connections_open
from orchestration.engine.home import Home, exclusive_run, project_root


def refused(home: Path, *arguments: str) -> str:
    """Run the command line, which must refuse; return its one sentence."""
    finished = subprocess.run(
        [Path(sys.executable).parent / "cardwatch", *arguments],
        cwd=project_root(),
        env={**os.environ, "CARDWATCH_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode != 0
    assert "Traceback" not in finished.stderr
    sentence = finished.stderr.strip().splitlines()[-1]
    assert sentence.startswith("cardwatch: ")
    return sentence


def test_a_run_where_nothing_has_landed_says_what_to_do(tmp_path: Path):
    sentence = refused(tmp_path / "home", "run")
    assert "nothing has landed" in sentence
    assert "cardwatch demo" in sentence


def test_days_in_the_wrong_order_are_refused(tmp_path: Path):
    sentence = refused(tmp_path, "run", "--since", "2025-12-31", "--until", "2025-01-01")
    assert "is after --until" in sentence


def test_a_second_run_beside_the_first_is_refused(tmp_path: Path):
    home = Home(tmp_path)
    (home.landing / "company").mkdir(parents=True)
    with exclusive_run(home):
        sentence = refused(tmp_path, "run")
    assert "another cardwatch run" in sentence
    assert not home.warehouse.exists()


def test_a_folder_of_an_unknown_source_stops_the_run(tmp_path: Path):
    folder = tmp_path / "landing" / "nowhere" / "purchases"
    folder.mkdir(parents=True)
    (folder / "file.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    sentence = refused(tmp_path, "run")
    assert "nowhere" in sentence
    assert not Home(tmp_path).warehouse.exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_fills_up_during_a_run_is_one_sentence(tmp_path: Path):
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", tmp_path],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not permit a mount")
    try:
        # room for the landed files, not for what dbt and DuckDB write
        demo = ["demo", "--employees", "150", "--months", "3"]
        subprocess.run(
            [Path(sys.executable).parent / "cardwatch", *demo],
            env={**os.environ, "CARDWATCH_HOME": str(tmp_path)},
            check=True,
            capture_output=True,
        )
        assert "disk is full" in refused(tmp_path, "run")
        assert not (tmp_path / "published").exists()
    finally:
        subprocess.run(["/bin/umount", "--lazy", tmp_path], check=True)


def test_the_great_expectations_shim_fails_loudly_when_its_ground_changes(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(sqlalchemy_execution_engine, "_PERSISTED_CONNECTION_DIALECTS", {"duckdb"})
    with pytest.raises(RuntimeError, match="11579"):
        _keep_duckdb_connections_open()


def test_a_lock_file_names_the_process_that_holds_it(tmp_path: Path):
    home = Home(tmp_path)
    with (
        exclusive_run(home),
        pytest.raises(CardwatchError, match=str(os.getpid())),
        exclusive_run(home),
    ):
        pass
