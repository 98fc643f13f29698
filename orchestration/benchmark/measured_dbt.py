"""dbt runs with their seconds, model by model, and the most memory they held."""

import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from orchestration.engine.dbt_project import dbt_environment, dbt_executable
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root


@dataclass(frozen=True)
class MeasuredRun:
    """One dbt command: wall seconds, seconds of each model, peak resident memory in bytes."""

    wall_seconds: float
    model_seconds: dict[str, float]
    peak_bytes: int

    @property
    def models_together(self) -> float:
        """Seconds that the models took."""
        return sum(self.model_seconds.values())

    @property
    def start_up(self) -> float:
        """Seconds of everything else: starting Python, reading the project, opening the file."""
        return self.wall_seconds - self.models_together


def measured_dbt(home: Home, arguments: Sequence[str], failure: str) -> MeasuredRun:
    """Run a dbt command on this home as a process of its own, and measure that process.

    Raises CardwatchError with what `failure` says and dbt's own words when it does not succeed.
    """
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    results = home.dbt_target / "run_results.json"
    results.unlink(missing_ok=True)
    with TemporaryFile("w+", encoding="utf-8") as said:
        started = time.monotonic()
        process = subprocess.Popen(
            [dbt_executable(), "--quiet", "--no-use-colors", *arguments],
            cwd=project_root(),
            env={**os.environ, **dbt_environment(home)},
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        # unlike Popen.wait, this says what the process used
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            words = " ".join(said.read().split()).partition(" Traceback (most recent call")[0]
            raise CardwatchError(f"{failure}: {words}")
    # Linux counts ru_maxrss in KiB
    return MeasuredRun(seconds, _model_seconds(results), usage.ru_maxrss * 1024)


def _model_seconds(results: Path) -> dict[str, float]:
    """Seconds of each model of the last dbt command, in the order in which they ran."""
    if not results.exists():
        return {}
    nodes = json.loads(results.read_text(encoding="utf-8"))["results"]
    return {
        node["unique_id"].rpartition(".")[2]: float(node["execution_time"])
        for node in nodes
        if node["unique_id"].startswith("model.")
    }
