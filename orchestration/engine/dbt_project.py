"""The dbt project: where its artifacts go and how it is called."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root

#: What a day's run builds before alerts are issued, and after (selectors.yml).
BEFORE_ISSUE = "before_issue"
AFTER_ISSUE = "after_issue"

# Characters of dbt's words that a person is shown.
_LONGEST = 1500


def variable(name: str) -> float:
    """Return a number among the project's variables (dbt_project.yml)."""
    text = (project_root() / "dbt_project.yml").read_text(encoding="utf-8")
    return float(yaml.safe_load(text)["vars"][name])


def build_arguments(selector: str) -> list[str]:
    """Arguments of a dbt build by selector; unit tests belong to `make test`, not to a run."""
    return ["build", "--selector", selector, "--exclude-resource-type", "unit_test"]


def dbt_environment(home: Home) -> dict[str, str]:
    """What every dbt call needs in its environment: where the warehouse and the artifacts are."""
    return {
        "CARDWATCH_HOME": str(home.root),
        "DBT_PROFILES_DIR": str(project_root()),
        "DBT_TARGET_PATH": str(home.dbt_target),
        "DBT_LOG_PATH": str(home.dbt_target / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        # every statement of every node would be written, a tenth of what a build costs
        "DBT_LOG_LEVEL_FILE": "info",
        # on a busy machine LightGBM's threads would spin instead of letting others work
        "OMP_WAIT_POLICY": "PASSIVE",
        # the fits' matrices are small: a second thread costs more than it brings, to the same bits
        "OPENBLAS_NUM_THREADS": "1",
    }


def dbt_executable() -> str:
    """The dbt of this installation, whatever is first on the path."""
    return str(Path(sys.executable).parent / "dbt")


def call_dbt(home: Home, arguments: list[str], failure: str) -> None:
    """Run a dbt command on this home, silently.

    Raises CardwatchError with what `failure` says and dbt's own words when it does not succeed.
    """
    home.dbt_target.mkdir(parents=True, exist_ok=True)
    finished = subprocess.run(
        [dbt_executable(), "--quiet", "--no-use-colors", *arguments],
        cwd=project_root(),
        env={**os.environ, **dbt_environment(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        said = " ".join((finished.stdout + finished.stderr).split())
        said = said.partition(" Traceback (most recent call")[0]
        if len(said) > _LONGEST:
            said = f"{said[:_LONGEST]} ... (all of it is in {home.dbt_target / 'logs' / 'dbt.log'})"
        raise CardwatchError(f"{failure}: {said}")


def parse(home: Home) -> Path:
    """Return the manifest that Dagster's assets are made from, written anew if a file has changed.

    Raises CardwatchError with dbt's own words when the project does not parse.
    """
    manifest = home.dbt_target / "manifest.json"
    if not manifest.exists() or manifest.stat().st_mtime_ns < _last_change():
        call_dbt(home, ["parse"], "the dbt project does not parse")
    return manifest


def _last_change() -> int:
    """When the project was last changed, or dbt installed, in nanoseconds since 1970."""
    root = project_root()
    paths = [root / name for name in ("dbt_project.yml", "profiles.yml", "selectors.yml")]
    paths.append(Path(dbt_executable()))
    for folder in ("models", "macros", "python_models", "seeds", "tests/dbt"):
        # Python writes its caches into the packages as they are read
        paths += [path for path in (root / folder).rglob("*") if "__pycache__" not in path.parts]
    return max(path.stat().st_mtime_ns for path in paths)
