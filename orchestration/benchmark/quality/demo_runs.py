"""Runs of the demo company that benchmarks judge by its truth."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root


def run_until(home: Home, day: date) -> None:
    """Run in a process of its own, as a company would start it, with promotion by comparison."""
    finished = subprocess.run(
        [Path(sys.executable).parent / "cardwatch", "run", "--until", day.isoformat()],
        cwd=project_root(),
        env={**os.environ, "CARDWATCH_HOME": str(home.root), "CARDWATCH_PROMOTION": "automatic"},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise CardwatchError(f"the run until {day} failed: {finished.stderr[-500:]}")


def misuse_file(home: Home) -> Path:
    """Return the file of the misuse that was planted; the home must hold a run of the demo."""
    file = home.truth / "misuse.parquet"
    if not file.exists():
        raise CardwatchError(
            f"there is no truth in {home.truth}; run `cardwatch demo` and `cardwatch run` first"
        )
    return file
