"""Dagster's entry: everything under defs/, and the one job that is a day's run."""

from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version

from orchestration.engine.dbt_project import dbt_executable
from orchestration.engine.home import project_root

DAILY_RUN = "daily_run"


class _DbtCli(DbtCliResource):
    """The dbt command line, without dbt in this process beside it.

    Dagster loads dbt a second time to ask for columns and row counts, which nothing here does, and
    starts it once more to ask for its version, which is that of the installed package.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> None:  # type: ignore[override]
        return None


@dg.definitions
def definitions() -> dg.Definitions:
    """Return all assets and checks, the run as a job, and dbt as a resource.

    One process writes to the warehouse at a time: DuckDB allows no second one, so the executor
    stays in the process.
    """
    root = str(project_root())
    dbt = _DbtCli(project_dir=root, profiles_dir=root, dbt_executable=dbt_executable())
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(
            jobs=[dg.define_asset_job(DAILY_RUN, selection=dg.AssetSelection.all())],
            resources={"dbt": dbt},
            executor=dg.in_process_executor,
        ),
    )
