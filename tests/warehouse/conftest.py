"""A small demo company that is run through the real command line, in temporary homes."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt_project import parse
from orchestration.home import Home, project_root

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


def run_cardwatch(home: Home, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of this installation on a home."""
    with at_the_place(home) as place:
        return subprocess.run(
            [Path(sys.executable).parent / "cardwatch", *arguments],
            cwd=project_root(),
            # what is decided between two runs must not make them differ from one
            env={
                **os.environ,
                "CARDWATCH_HOME": str(place.root),
                "CARDWATCH_PROMOTION": "automatic",
                "CARDWATCH_RETRAINING": "manual",
            },
            capture_output=True,
            text=True,
            check=False,
        )


def succeed(home: Home, *arguments: str) -> str:
    """Run the command line, which must succeed without a word of alarm; return what it printed."""
    finished = run_cardwatch(home, *arguments)
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


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the demo company has landed and nothing has run."""
    home = Home(tmp_path_factory.mktemp("landed") / "home")
    home.create()
    succeed(home, "demo", *COMPANY)
    with at_the_place(home) as place:
        parse(place)
    return home


@contextmanager
def one_process_at_a_time(file: Path) -> Iterator[None]:
    """Wait until no other process of this test session holds the file."""
    with file.open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def full(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[Home, str]:
    """The home after one run over everything, and what that run printed.

    The first process that needs it makes it; each has a copy of its own.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made, printed = Home(folder / "full_run"), folder / "full_run.txt"
    with one_process_at_a_time(folder / "full_run.lock"):
        if not printed.exists():
            shutil.rmtree(made.root, ignore_errors=True)
            copy_of(request.getfixturevalue("landed"), made.root)
            said = succeed(made, "run")
            printed.write_text(said, encoding="utf-8")
    home = copy_of(made, tmp_path_factory.mktemp("full") / "home")
    return home, printed.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def walked(landed: Home, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Home]:
    """The home as it was after a run up to the middle, and after a second run over the rest."""
    half = copy_of(landed, tmp_path_factory.mktemp("half") / "home")
    succeed(half, "run", "--until", MIDDLE)
    whole = copy_of(half, tmp_path_factory.mktemp("walked") / "home")
    succeed(whole, "run")
    return half, whole
