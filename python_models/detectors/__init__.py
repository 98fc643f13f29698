"""Detectors: frame in, frame out, with no knowledge of the warehouse.

    fit    feature catalogue and training rows -> one artefact row
    score  artefact rows and record batches    -> record batches of scores
    fit_risk_versions   what rules, tree and detectors said -> how they make one probability

A detector is a module of `line_up`; README.md says what else a new one needs.
The score of a transaction depends on its features and on the version that scores it, never on
the rows that are scored with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pyarrow as pa

from detectors import line_up, versions
from detectors.arrays import DetectorError
from detectors.artefacts import Timeline, load_version
from detectors.contract import ARTEFACT_SCHEMA, PROMOTION_SCHEMA, SCORE_SCHEMA, Detector
from detectors.features import read_catalogue
from detectors.scoring import score_batches
from detectors.stacking import RISK_VERSION_SCHEMA, fit_risk_versions
from detectors.validation import Verdict
from detectors.versions import AUTOMATIC, MANUAL, fit_version

__all__ = [
    "ALGORITHMS",
    "ARTEFACT_SCHEMA",
    "PROMOTION_SCHEMA",
    "RISK_VERSION_SCHEMA",
    "SCORE_SCHEMA",
    "TREE",
    "DetectorError",
    "compare",
    "fit",
    "fit_due",
    "fit_risk_versions",
    "input_columns",
    "one_after_another",
    "score",
    "training_columns",
    "verify",
]

#: The only detector that learns from labels.
TREE = "gradient_boosted_tree"
_FOUND = {module.name for module in iter_modules(line_up.__path__)}
#: Names of all detectors, the tree first.
ALGORITHMS = (TREE, *sorted(_FOUND - {TREE}))


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
    row = fit_version(_detector(algorithm), features, parameters, trained_until, training)
    return pa.Table.from_pylist([row], schema=ARTEFACT_SCHEMA)


def score(
    algorithm: str,
    *,
    artefacts: pa.Table,
    promotions: pa.Table | None = None,
    batches: Iterable[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    """Score record batches, a few at the same time, and yield them in their order.

    artefacts: rows of `ARTEFACT_SCHEMA`; those of other detectors and skipped ones are ignored.
        Every hash is verified here, before anything is loaded.
    promotions: which version scores from which day on, rows of `PROMOTION_SCHEMA`; what a fit
        promoted itself scores from the day of the fit.
    batches: transaction_id, transaction_date, the feature columns and, if there are segments,
        segment.

    Each row is scored by the version that is champion on its date, and comes out with nulls when
    there is none. Yields batches of `SCORE_SCHEMA`. Raises `DetectorError` for artefacts that were
    changed or cannot be loaded, and for missing columns.
    """
    timeline = Timeline(_detector(algorithm), artefacts, promotions)
    return score_batches(timeline, batches)


def one_after_another(scores: Mapping[str, Iterable[pa.RecordBatch]]) -> pa.RecordBatchReader:
    """Read the scores of several detectors as one stream: `detector`, then `SCORE_SCHEMA`.

    scores: detector -> what `score` yields, which is consumed as the stream is read.
    """
    schema = SCORE_SCHEMA.insert(0, pa.field("detector", pa.string()))
    return pa.RecordBatchReader.from_batches(
        schema,
        (
            batch.add_column(0, schema.field(0), pa.repeat(name, batch.num_rows))
            for name, batches in scores.items()
            for batch in batches
        ),
    )


def input_columns(algorithm: str, features: pa.Table) -> list[str]:
    """Columns that `score` reads for a detector: keys, segment, its features of the catalogue."""
    catalogue = read_catalogue(features, _detector(algorithm).catalogue_flag)
    names = (feature.name for feature in catalogue)
    return ["transaction_id", "transaction_date", "segment", *names]


def training_columns(algorithm: str, features: pa.Table) -> list[str]:
    """Columns that `fit_due` reads of training rows."""
    columns = input_columns(algorithm, features)
    others = ("amount", "card_id", "misuse", "weight")
    return [*columns, *(name for name in others if name not in columns)]


def fit_due(
    algorithm: str,
    *,
    schedule: pa.Table,
    issued: pa.Table,
    promotions: pa.Table,
    features: pa.Table,
    parameters: Mapping[str, Any] | None,
    promotion: str,
    training: Callable[[date], pa.Table],
) -> pa.Table:
    """One artefact row per due day: the issued one where there is one, else a new version, judged.

    schedule: fitted_on, reason, holdout_from, holdout_until and features_version of the days
        that are due.
    issued, promotions: rows of the ledger. What scored issued transactions is never fitted again.
    promotion: 'automatic' if what does better than the champion becomes champion by itself, else
        'manual'. Before anything was issued nobody could decide, so a first run over months of
        history promotes by comparison in either case.
    training: gives the training rows for a day, with card_id and amount beside what `fit` reads;
        called only for days that need a fit.
    """
    if promotion not in (AUTOMATIC, MANUAL):
        raise DetectorError(f"promotion is {promotion!r}; it must be {AUTOMATIC} or {MANUAL}.")
    return versions.fit_due(
        _detector(algorithm),
        schedule,
        issued,
        promotions,
        features,
        parameters or {},
        promotion,
        training,
    )


def verify(version: Mapping[str, Any]) -> None:
    """Load the version in a row of `ARTEFACT_SCHEMA`; raises `DetectorError` if that fails."""
    load_version(_detector(version["detector"]), version)


def compare(
    algorithm: str, *, challenger: Mapping[str, Any], champion: Mapping[str, Any], rows: pa.Table
) -> tuple[dict[str, Any], dict[str, Any], Verdict]:
    """Figures of two versions on the same rows, and the verdict on the challenger.

    challenger, champion: rows of `ARTEFACT_SCHEMA`. rows: as training rows, with card_id and
    amount, of days that neither has learned from.
    """
    return versions.judge(_detector(algorithm), challenger, champion, rows)


def _detector(algorithm: str) -> Detector:
    """The registered detector; raises `DetectorError` when there is none of that name."""
    if algorithm not in ALGORITHMS:
        raise DetectorError(f"There is no detector {algorithm}; there are {', '.join(ALGORITHMS)}.")
    # imported when it is asked for, since the libraries take seconds
    detector: Detector = import_module(f"detectors.line_up.{algorithm}").DETECTOR
    return detector
