"""What all tests share: repeatable examples, homes made once, the spread over processes."""

import pickle
import shutil

import pytest
from hypothesis import settings

from orchestration.engine.dbt_project import parse
from orchestration.engine.home import Home
from tests.homes import (
    COMPANY,
    MIDDLE,
    at_the_place,
    copy_of,
    folder_of_all_processes,
    one_process_at_a_time,
    run_as_a_process,
    succeed,
)
from tests.models.model_steps import Project, record_project

# The same examples everywhere, so that what passes here passes elsewhere; `--hypothesis-profile
# default` looks for new ones.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

# What takes longest is begun first, or one process would be left with it in the end; Makefile keeps
# pytest from putting groups with many tests first.
_LONGEST = (
    "walks through the demo company",
    "runs of the demo company",
    "a warehouse without rows",
    "test_incremental_features.py",
    "test_brute_force.py",
)


# before xdist reads the marks
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file in one process, and those that need the same runs of the company.

    The tests that walk through the company in two runs need a full run too, which the other process
    makes meanwhile; those that do without come before.
    """
    places = {}
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        # the detectors' tests share what was fitted once, other files nothing with each other
        group = "detectors" if item.path.parent.name == "detectors" else item.path.name
        if "walked" in fixtures:
            group = _LONGEST[0]
        elif "full" in fixtures or "landed" in fixtures:
            group = _LONGEST[1]
        elif "built_home" in fixtures:
            group = _LONGEST[2]
        item.add_marker(pytest.mark.xdist_group(group))
        place = _LONGEST.index(group) if group in _LONGEST else len(_LONGEST)
        places[item] = (place, group == _LONGEST[0] and "full" in fixtures)
    items.sort(key=lambda item: places[item])


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What dbt sends to build labels, intermediate and features, from a warehouse without rows.

    The first process that needs it makes it for all.
    """
    folder = folder_of_all_processes(tmp_path_factory)
    kept = folder / "recorded.pickle"
    with one_process_at_a_time(folder / "recorded.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(record_project(folder / "without_rows")))
    project: Project = pickle.loads(kept.read_bytes())  # noqa: S301  written above
    return project


@pytest.fixture(scope="session")
def built_home(recorded: Project) -> Home:
    """The warehouse without rows, with the SQL that dbt compiled; for one process."""
    return recorded.built


@pytest.fixture(scope="session")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the demo company has landed and nothing has run."""
    home = Home(tmp_path_factory.mktemp("landed") / "home")
    home.create()
    succeed(home, "demo", *COMPANY)
    with at_the_place(home) as place:
        parse(place)
    return home


@pytest.fixture(scope="session")
def full(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> tuple[Home, str]:
    """The home after one run over everything, and what that run printed.

    The first process that needs it makes it; each has a copy of its own.
    """
    folder = folder_of_all_processes(tmp_path_factory)
    made, printed = Home(folder / "full_run"), folder / "full_run.txt"
    with one_process_at_a_time(folder / "full_run.lock"):
        if not printed.exists():
            shutil.rmtree(made.root, ignore_errors=True)
            copy_of(request.getfixturevalue("landed"), made.root)
            said = succeed(made, "run", run=run_as_a_process)
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
