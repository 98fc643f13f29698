"""A few seeds of the simulator of operation; `python -m tests.models.simulate` has thousands."""

from pathlib import Path

import pytest

from tests.models.model_steps import Project
from tests.models.simulate import Killed, Lose, keep, operation, simulate

SEEDS = (8, 23, 36)


@pytest.fixture(scope="module")
def kept(recorded: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keep(recorded, tmp_path_factory.mktemp("recorded"))


@pytest.mark.parametrize("seed", SEEDS)
def test_operation_ends_as_a_full_build_from_the_files(kept: Path, tmp_path: Path, seed: int):
    wrong = simulate(kept, tmp_path / "simulated", seed)
    assert wrong is None, wrong


def test_the_seeds_kill_runs_and_lose_the_warehouse():
    steps = [step for seed in SEEDS for step in operation(seed)]
    assert any(isinstance(step, Killed) for step in steps)
    assert any(isinstance(step, Lose) for step in steps)
