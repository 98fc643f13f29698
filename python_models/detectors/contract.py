"""What every detector agrees on: parameters, tables at the border, and the two calls.

A detector is one module that exports a `Detector`: a frozen parameter dataclass, a `fit` that
turns a `Training` into bytes, and a `load` that turns untrusted bytes back into a `Model`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, TypeVar, cast

import pyarrow as pa

from detectors.arrays import DetectorError, Floats, Integers
from detectors.features import Segments
from detectors.training import Training

#: Columns of one fitted (or skipped) detector version; `fit` returns one such row.
ARTEFACT_SCHEMA = pa.schema(
    [
        ("detector", pa.string()),
        ("version", pa.string()),
        ("fitted_on", pa.date32()),
        ("fitted_because", pa.string()),
        ("algorithm", pa.string()),
        ("parameters", pa.string()),
        ("features", pa.string()),
        ("features_version", pa.string()),
        ("trained_from", pa.date32()),
        ("trained_until", pa.date32()),
        ("training_rows", pa.int64()),
        ("positive_labels", pa.int64()),
        ("negative_labels", pa.int64()),
        ("data_fingerprint", pa.string()),
        ("holdout_from", pa.date32()),
        ("holdout_until", pa.date32()),
        ("metrics", pa.string()),
        ("compared_with", pa.string()),
        ("comparison", pa.string()),
        ("verdict", pa.string()),
        ("verdict_reason", pa.string()),
        ("is_promoted", pa.bool_()),
        ("artefact", pa.binary()),
        ("artefact_sha256", pa.string()),
        ("status", pa.string()),
        ("note", pa.string()),
    ]
)

#: Columns of a decision that a version scores from a day on.
PROMOTION_SCHEMA = pa.schema(
    [
        ("detector", pa.string()),
        ("version", pa.string()),
        ("champion_from", pa.date32()),
        ("decided_at", pa.timestamp("us")),
    ]
)

#: One reason: a feature and how much it pushed the score up, in the unit of the score.
REASON_TYPE = pa.struct([("feature", pa.string()), ("contribution", pa.float64())])

#: Columns of a scored transaction; `score` yields record batches of this shape.
SCORE_SCHEMA = pa.schema(
    [
        ("transaction_id", pa.string()),
        ("transaction_date", pa.date32()),
        ("score", pa.float64()),
        ("tail", pa.float64()),
        ("probability", pa.float64()),
        ("version", pa.string()),
        ("reasons", pa.list_(REASON_TYPE)),
        ("nearest", pa.list_(pa.string())),
    ]
)

#: At most so many reasons are given for one row, strongest first.
MAXIMUM_REASONS = 5


Number = TypeVar("Number", int, float)
Parameters = TypeVar("Parameters")


def bounded(default: Number, least: Number, most: Number) -> Number:
    """Declare a parameter of a detector's dataclass with its default and its allowed range."""
    declared: Number = field(default=default, metadata={"least": least, "most": most})
    return declared


def read_parameters(kind: type[Parameters], given: Mapping[str, Any], owner: str) -> Parameters:
    """Turn plain parameters into the frozen dataclass `kind` of the detector `owner`.

    Parameters that are not given keep their default. A name that is not declared, a value of the
    wrong type or a value outside its range raises `DetectorError`: nothing is silently ignored.
    """
    declared = {item.name: item for item in fields(cast(Any, kind))}
    unknown = sorted(str(name) for name in given if name not in declared)
    if unknown:
        raise DetectorError(
            f"{owner} does not know the parameter {', '.join(unknown)}; "
            f"it knows {', '.join(sorted(declared))}."
        )
    values: dict[str, int | float] = {}
    for name, value in given.items():
        whole = isinstance(declared[name].default, int)
        allowed = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed) or not math.isfinite(value):
            expected = "a whole number" if whole else "a number"
            raise DetectorError(f"{owner}: {name} must be {expected}, not {value!r}.")
        least, most = declared[name].metadata["least"], declared[name].metadata["most"]
        if not least <= value <= most:
            raise DetectorError(
                f"{owner}: {name} must lie between {least} and {most}, not {value!r}."
            )
        values[name] = value if whole else float(value)
    return kind(**values)


@dataclass(frozen=True)
class Outcome:
    """What a fit came to: `payload` is None when it was skipped, and `note` says why."""

    training_rows: int
    payload: bytes | None = None
    note: str | None = None


@dataclass(frozen=True)
class Scored:
    """Scores of n rows.

    `score`, and `tail` and `probability` where the detector has them, have shape (n,).
    `explained` holds the positions of the k rows above the detector's frozen threshold, and
    `contributions`, shape (k, features), how much each feature pushed their score up. `nearest`
    holds for each of the k rows the ids of the reference rows most like it, nearest first, where
    the detector compares with single rows.
    """

    score: Floats
    explained: Integers
    contributions: Floats
    tail: Floats | None = None
    probability: Floats | None = None
    nearest: Sequence[Sequence[str]] | None = None


class Model(Protocol):
    """A loaded artefact. Scoring one row must not depend on the rows beside it."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns that `score` takes, in this order."""

    def score(self, columns: Sequence[Floats], segments: Segments) -> Scored:
        """Score n rows given as one array of shape (n,) per feature, nulls as NaN.

        `segments` says for each row in which part of the company its score is to be ranked.
        """


@dataclass(frozen=True)
class Detector:
    """One entry of the registry.

    `catalogue_flag` names the boolean column of the feature catalogue that gives a feature to
    this detector; `parameters` is its frozen dataclass of numbers with defaults. `algorithm` is
    given where several detectors share one.
    """

    name: str
    catalogue_flag: str
    parameters: type[Any]
    fit: Callable[[Training, Any], Outcome]
    load: Callable[[bytes], Model]
    algorithm: str = ""
