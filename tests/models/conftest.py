"""What the tests of models share: homes for examples, a queue."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchestration.engine.home import Home
from tests.models.rehearsed_queue import Queue
from tests.models.walks import Homes


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
