"""Detectors: frame in, frame out, with no knowledge of the warehouse.

    fit    feature catalogue and training rows -> one artefact row
    score  artefact rows and record batches    -> record batches of scores

A new detector is a module that exports a `contract.Detector`, and a line in the registry below.
The score of a transaction depends on its features and on the version that scores it, never on
the rows that are scored with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from detectors import (
    empirical_tails,
    gaussian_mixture,
    gradient_boosted_tree,
    isolation_forest,
    nearest_neighbours,
    principal_components,
)
from detectors.artefacts import Timeline, artefact_row
from detectors.contract import (
    ARTEFACT_SCHEMA,
    SCORE_SCHEMA,
    Detector,
    DetectorError,
    read_parameters,
)
from detectors.features import read_catalogue
from detectors.scoring import score_batches
from detectors.training import read_training

__all__ = [
    "ALGORITHMS",
    "ARTEFACT_SCHEMA",
    "SCORE_SCHEMA",
    "DetectorError",
    "fit",
    "fit_due",
    "input_columns",
    "score",
]

_REGISTRY: dict[str, Detector] = {
    detector.name: detector
    for detector in (
        gradient_boosted_tree.DETECTOR,
        isolation_forest.DETECTOR,
        empirical_tails.DETECTOR,
        principal_components.DETECTOR,
        nearest_neighbours.DETECTOR,
        gaussian_mixture.DETECTOR,
        empirical_tails.PEER_DEVIATION,
        empirical_tails.COLLECTIVE_SHIFT,
    )
}

#: Names of all detectors.
ALGORITHMS = tuple(_REGISTRY)


def fit(
    algorithm: str,
    *,
    features: pa.Table,
    parameters: Mapping[str, Any],
    trained_until: date,
    training: pa.Table,
) -> pa.Table:
    """Fit a detector on what was known before `trained_until`.

    features: the catalogue, one row per feature: feature, scale ('linear' or 'log'), and the
        detector's flag (in_tree, in_anomaly, in_peer or in_collective).
    parameters: values for the detector's parameters; those not given keep their defaults.
    training: transaction_id, transaction_date (before `trained_until`), a column per feature
        (null where unknown), misuse (null while not decided), weight and, if there are segments,
        segment, in any order.

    Returns one row of `ARTEFACT_SCHEMA`, with the status 'skipped' and a note when too little is
    known to fit. Raises `DetectorError` for input or parameters that cannot be used.
    """
    detector = _detector(algorithm)
    given = read_parameters(detector.parameters, parameters, detector.name)
    rows = read_training(training, read_catalogue(features, detector.catalogue_flag), trained_until)
    outcome = detector.fit(rows, given)
    if outcome.payload is not None:
        detector.load(outcome.payload)  # what could not be read back must not be recorded
    return artefact_row(detector, given, rows, outcome)


def score(
    algorithm: str, *, artefacts: pa.Table, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Score record batches, a few at the same time, and yield them in their order.

    artefacts: rows of `ARTEFACT_SCHEMA`; those of other detectors and skipped ones are ignored.
        Every hash is verified here, before anything is loaded.
    batches: transaction_id, transaction_date, the feature columns and, if there are segments,
        segment.

    Each row is scored by the fitted version with the latest `trained_until` on or before its
    date, and comes out with nulls when there is none. Yields batches of `SCORE_SCHEMA`. Raises
    `DetectorError` for artefacts that were changed or cannot be loaded, and for missing columns.
    """
    timeline = Timeline(_detector(algorithm), artefacts)
    return score_batches(timeline, batches)


def input_columns(algorithm: str, features: pa.Table) -> list[str]:
    """Columns that `score` reads for a detector: keys, segment, its features of the catalogue."""
    catalogue = read_catalogue(features, _detector(algorithm).catalogue_flag)
    names = (feature.name for feature in catalogue)
    return ["transaction_id", "transaction_date", "segment", *names]


def fit_due(
    algorithm: str,
    *,
    due: Sequence[date],
    issued: pa.Table,
    features: pa.Table,
    parameters: Mapping[str, Any] | None,
    training: Callable[[date], pa.Table],
) -> pa.Table:
    """One artefact row per due day: the issued one where there is one, else a new fit.

    issued: artefact rows of the ledger. What scored issued transactions is never fitted again.
    training: gives the training rows for a day; called only for days that need a fit.
    """
    kept = issued.filter(pc.equal(issued["detector"], algorithm)).select(ARTEFACT_SCHEMA.names)
    rows = [kept.cast(ARTEFACT_SCHEMA)]
    for day in sorted(set(due) - set(kept["trained_until"].to_pylist())):
        rows.append(
            fit(
                algorithm,
                features=features,
                parameters=parameters or {},
                trained_until=day,
                training=training(day),
            )
        )
    return pa.concat_tables(rows)


def _detector(algorithm: str) -> Detector:
    """The registered detector; raises `DetectorError` when there is none of that name."""
    if algorithm not in _REGISTRY:
        raise DetectorError(f"There is no detector {algorithm}; there are {', '.join(ALGORITHMS)}.")
    return _REGISTRY[algorithm]
