"""What the tests of models share: statements recorded once, homes for examples, a queue."""

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from orchestration.engine.home import Home
from tests.homes import folder_of_all_processes, one_process_at_a_time
from tests.models.model_steps import Project, record_project
from tests.models.rehearsed_queue import Queue
from tests.models.walks import Homes


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = folder_of_all_processes(tmp_path_factory)
    kept = folder / "recorded.pickle"
    with one_process_at_a_time(folder / "recorded.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(record_project(folder / "recorded")))
    project: Project = pickle.loads(kept.read_bytes())  # noqa: S301  written above
    return project


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(tmp_path_factory.mktemp("homes"))


@pytest.fixture
def queue(built_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    queues: list[Queue] = []

    def make(cases_per_day: int) -> Queue:
        queues.append(Queue(built_home, tmp_path_factory.mktemp("queue") / "home", cases_per_day))
        return queues[-1]

    yield make
    for made in queues:
        made.close()
