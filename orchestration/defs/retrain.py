"""Fitting new versions outside the daily run, and asking for them when the monitoring does."""

import dagster as dg

from orchestration.engine.home import Home
from orchestration.engine.progress import report
from orchestration.versions.retraining import fit_requested, request_recommended


@dg.asset(
    key=["monitoring", "requested_retraining"],
    group_name="monitoring",
    deps=[
        dg.AssetKey(["monitoring", "retrain_recommendation"]),
        dg.AssetKey(["marts", "model_versions"]),
    ],
)
def requested_retraining() -> dg.MaterializeResult[None]:
    """Ask for new versions where the monitoring recommends it; the next run fits them."""
    names = request_recommended(Home.from_environment())
    if names:
        report(f"retraining: asked for {', '.join(names)}")
    return dg.MaterializeResult(metadata={"detectors": ", ".join(names)})


@dg.op
def fit_due_versions() -> None:
    """Fit and judge what is due or was asked for, and record it."""
    counts = fit_requested(Home.from_environment())
    report(f"retraining: {counts['detector_versions']} versions fitted")


@dg.job(name="retrain", description="Fits what is due or was asked for, without scoring anything.")
def retrain() -> None:
    """The job behind `cardwatch models retrain`; its schedule is off until somebody starts it."""
    fit_due_versions()


#: Weekly, after Sunday: what the monitoring asked for in the week does not wait for the next run.
weekly_retraining = dg.ScheduleDefinition(job=retrain, cron_schedule="0 4 * * 1")
