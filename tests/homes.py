"""Temporary homes: run the real command line and dbt in them, read and compare them."""

import fcntl
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import duckdb
import pytest

from orchestration.cli.main import main
from orchestration.engine.dbt_project import dbt_environment, dbt_executable
from orchestration.engine.home import Home, project_root

COMPANY = ["--employees", "150", "--months", "3"]
MIDDLE = "2025-11-14"


# dbt reads the whole project anew for a warehouse at another path, so every home runs at this one.
_PLACE = tempfile.TemporaryDirectory(prefix="cardwatch-")


@contextmanager
def at_the_place(home: Home) -> Iterator[Home]:
    """Move a home to where homes run, and back."""
    place = Home(Path(_PLACE.name) / "home")
    home.root.rename(place.root)
    try:
        yield place
    finally:
        place.root.rename(home.root)


# what is decided between two runs must not make them differ from one
DECIDED = {"CARDWATCH_PROMOTION": "automatic", "CARDWATCH_RETRAINING": "manual"}


def run_cardwatch(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on a home, in this process: what it imports is imported once."""
    printed, said, code = io.StringIO(), io.StringIO(), 0
    with at_the_place(home) as place:
        environment = {"CARDWATCH_HOME": str(place.root), **DECIDED}
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.object(sys, "argv", ["cardwatch", *arguments]),
            redirect_stdout(printed),
            redirect_stderr(said),
        ):
            try:
                main()
            except SystemExit as ended:
                code = int(ended.code or 0)
    return subprocess.CompletedProcess(arguments, code, printed.getvalue(), said.getvalue())


def run_as_a_process(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of this installation on a home, as a person does."""
    with at_the_place(home) as place:
        return subprocess.run(
            [Path(sys.executable).parent / "cardwatch", *arguments],
            cwd=project_root(),
            env={**os.environ, "CARDWATCH_HOME": str(place.root), **DECIDED},
            capture_output=True,
            text=True,
            check=False,
        )


def succeed(
    home: Home,
    *arguments: str,
    run: Callable[..., subprocess.CompletedProcess[str]] = run_cardwatch,
) -> str:
    """Run the command line, which must succeed without a word of alarm; return what it printed."""
    finished = run(home, *arguments)
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert "Traceback" not in finished.stderr
    assert "Warning" not in finished.stderr
    return finished.stdout


def rows(home: Home, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds in the home's warehouse."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def differences(one: Home, other: Home, query: str) -> int:
    """Count the rows that a query finds in one warehouse and not in the other, both ways."""
    with duckdb.connect() as connection:
        found = []
        for name, home in (("one", one), ("other", other)):
            connection.execute(f"attach '{home.warehouse}' as {name} (read_only)")
        for name in ("one", "other"):
            connection.execute(f"use {name}")
            found.append(f"({query.replace('@', f'{name}.')})")
        counted = connection.execute(
            f"select (select count(*) from ({found[0]} except all {found[1]}))"
            f" + (select count(*) from ({found[1]} except all {found[0]}))"
        ).fetchone()
    assert counted is not None
    return int(counted[0])


def copy_of(home: Home, folder: Path) -> Home:
    """Return a home with the same content, that a test may change."""
    shutil.copytree(home.root, folder, symlinks=True)
    return Home(folder)


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


def folder_of_all_processes(factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which what one process of this test session made serves all."""
    folder = factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextmanager
def one_process_at_a_time(file: Path) -> Iterator[None]:
    """Wait until no other process of this test session holds the file."""
    with file.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
