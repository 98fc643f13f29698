"""Versions: what is fitted on the days that are due, how it does, and whether it is promoted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detectors.artefacts import FITTED, Timeline, artefact_row, load_version, version_name
from detectors.contract import ARTEFACT_SCHEMA, Detector, Model, read_parameters
from detectors.features import read_catalogue
from detectors.training import EPOCH, read_training
from detectors.validation import Holdout, Verdict, compare, measure

#: What decides that a version which did better becomes champion: it does itself, or a person.
AUTOMATIC, MANUAL = "automatic", "manual"


def fit_version(
    detector: Detector,
    catalogue: pa.Table,
    parameters: Mapping[str, Any],
    trained_until: date,
    rows: pa.Table,
) -> dict[str, Any]:
    """Fit on rows before `trained_until`: a row of `ARTEFACT_SCHEMA` that knows no holdout."""
    given = read_parameters(detector.parameters, parameters, detector.name)
    features = read_catalogue(catalogue, detector.catalogue_flag)
    training = read_training(rows, features, trained_until)
    outcome = detector.fit(training, given)
    if outcome.payload is not None:
        detector.load(outcome.payload)  # what could not be read back must not be recorded
    return artefact_row(detector, given, training, outcome)


def fit_due(
    detector: Detector,
    schedule: pa.Table,
    issued: pa.Table,
    promotions: pa.Table,
    features: pa.Table,
    parameters: Mapping[str, Any],
    promotion: str,
    training: Callable[[date], pa.Table],
) -> pa.Table:
    """One row per day of the schedule: the issued one where there is one, else a new version.

    A new version learns from what lies before its holdout and is judged there, beside the
    champion of that day. Only where that would leave too little to learn from it takes all rows
    and is judged on none. The first version of a detector becomes champion, as there is none; a
    later one only if it is better and promotion is automatic, or nothing was ever issued.
    """
    by_comparison = promotion == AUTOMATIC or issued.num_rows == 0
    kept = issued.filter(pc.equal(issued["detector"], detector.name))
    known = kept.select(ARTEFACT_SCHEMA.names).cast(ARTEFACT_SCHEMA)
    seen = set(known["fitted_on"].to_pylist())
    for due in sorted(schedule.to_pylist(), key=lambda row: row["fitted_on"]):
        if due["fitted_on"] in seen:
            continue
        rows = training(due["fitted_on"])
        champion = Timeline(detector, known, promotions).on(due["fitted_on"])
        row = _fit_and_judge(detector, features, parameters, due, rows, champion)
        row["is_promoted"] = row["status"] == FITTED and (
            champion is None or (row["verdict"] == "better" and by_comparison)
        )
        known = pa.concat_tables([known, pa.Table.from_pylist([row], schema=ARTEFACT_SCHEMA)])
    return known


def judge(
    detector: Detector, challenger: Mapping[str, Any], champion: Mapping[str, Any], rows: pa.Table
) -> tuple[dict[str, Any], dict[str, Any], Verdict]:
    """Figures of two versions on the same rows, and the verdict on the challenger."""
    holdout = Holdout.read(rows)
    first, second = (
        holdout.rank(load_version(detector, version)) for version in (challenger, champion)
    )
    return measure(first, holdout), measure(second, holdout), compare(first, second, holdout)


def _fit_and_judge(
    detector: Detector,
    features: pa.Table,
    parameters: Mapping[str, Any],
    due: Mapping[str, Any],
    rows: pa.Table,
    champion: tuple[str, Model] | None,
) -> dict[str, Any]:
    """Fit a version for a due day, before its holdout if that is enough, and judge it there."""
    row = None
    if due["holdout_from"]:
        held_out = _between(rows, due["holdout_from"], due["holdout_until"])
        earlier = _between(rows, EPOCH, due["holdout_from"])
        row = fit_version(detector, features, parameters, due["holdout_from"], earlier)
    is_judged = row is not None and row["status"] == FITTED and held_out.num_rows > 0
    if row is None or not is_judged:
        row = fit_version(detector, features, parameters, due["fitted_on"], rows)
    row["fitted_on"] = due["fitted_on"]
    row["fitted_because"] = due["reason"]
    row["features_version"] = due["features_version"]
    row["version"] = version_name(detector.name, due["fitted_on"], row["artefact_sha256"])
    if row["status"] != FITTED:
        return row
    if champion:
        row["compared_with"] = champion[0]
    if not is_judged:
        if champion:
            row["verdict"] = "unknown"
            row["verdict_reason"] = "too little is known to keep any of it for a comparison"
        return row
    holdout = Holdout.read(held_out)
    challenger = holdout.rank(load_version(detector, row))
    row["holdout_from"], row["holdout_until"] = due["holdout_from"], due["holdout_until"]
    row["metrics"] = json.dumps(measure(challenger, holdout), sort_keys=True)
    if champion:
        verdict = compare(challenger, holdout.rank(champion[1]), holdout)
        row["verdict"], row["verdict_reason"] = verdict.name, verdict.reason
        row["comparison"] = json.dumps(verdict.comparison, sort_keys=True)
    return row


def _between(rows: pa.Table, first: date, until: date) -> pa.Table:
    """Rows of the days from `first` to the day before `until`."""
    days = pc.cast(rows["transaction_date"], pa.date32())
    inside = pc.and_(
        pc.greater_equal(days, pa.scalar(first, pa.date32())),
        pc.less(days, pa.scalar(until, pa.date32())),
    )
    return rows.filter(inside)
