"""Dagster's entry: everything under defs/, and the one job that is a day's run."""

from pathlib import Path

import dagster as dg

DAILY_RUN = "daily_run"


@dg.definitions
def definitions() -> dg.Definitions:
    """Return all assets and checks, and the run as a job.

    One process writes to the warehouse at a time: DuckDB allows no second one, so the executor
    stays in the process.
    """
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=Path(__file__).parent),
        dg.Definitions(
            jobs=[dg.define_asset_job(DAILY_RUN, selection=dg.AssetSelection.all())],
            executor=dg.in_process_executor,
        ),
    )
