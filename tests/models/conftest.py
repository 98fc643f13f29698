"""What dbt sends to build labels, intermediate and features, recorded once for all processes."""

import pickle

import pytest

from tests.homes import folder_of_all_processes, one_process_at_a_time
from tests.models.model_steps import Project, record_project


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = folder_of_all_processes(tmp_path_factory)
    kept = folder / "recorded.pickle"
    with one_process_at_a_time(folder / "recorded.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(record_project(folder / "recorded")))
    project: Project = pickle.loads(kept.read_bytes())  # noqa: S301  written above
    return project
