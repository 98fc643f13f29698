"""Empirical tails: how far out in its own distribution is each feature of a transaction?

This is ECOD (Li et al., "ECOD: Unsupervised Outlier Detection Using Empirical Cumulative
Distribution Functions", IEEE TKDE 2022) against a frozen reference. PyOD's implementation appends
the scored rows to its training rows and ranks them together, so a score there depends on what
else is scored and every call sorts the whole reference again. Here the reference is a table of
counts in the artefact and a row is looked up on its own.

For the value x of a feature among n reference values

    left  = (1 + number of reference values <= x) / (n + 1)
    right = (1 + number of reference values >= x) / (n + 1)
    part  = max(-ln left, -ln right), or -ln right alone where only high values matter

and the score of a row is the sum of its parts, in nats. Both tails include x itself, so a value
that 90 % of the reference shares has parts near zero on either side. The scale of a feature does
not matter, because only ranks do. A missing value takes the part of the reference median, and a
feature without any reference value has the part 0.

Deviations from peers and signs of several purchases that belong together are columns of their
own, high when suspicious. They are read by two more detectors of this algorithm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.arrays import Floats, Integers
from detectors.artefacts import read_json, read_names, read_numbers, require, write_json
from detectors.contract import Detector, Outcome, Scored, bounded
from detectors.features import Segments, lower_median
from detectors.reference import (
    FrozenScores,
    ReferenceParameters,
    draw_sample,
    fill_missing,
    take_rows,
)
from detectors.training import Training

NAME = "empirical_tails"
FORMAT = "cardwatch/empirical_tails/2"
LARGEST_COUNT = 2**53  # the largest whole number that JSON readers agree on
#: What at least so much of the reference shares is common, and what lies so near to it, relative to
#: it, counts as it: just beside a rate that half of all merchants have nothing is unusual.
COMMON_SHARE = 0.05
NEAR = 0.02


@dataclass(frozen=True)
class EmpiricalTailsParameters(ReferenceParameters):
    """Parameters of this detector, besides the shared ones.

    tail_step: the reference keeps a value wherever the logarithm of either tail moves on by this
        step, so a part is at most this much (in nats) below its exact value.
    upper_only: 1 to count high values only, 0 to count low ones too.
    """

    tail_step: float = bounded(0.05, 0.0001, 1.0)
    upper_only: int = bounded(0, 0, 1)


@dataclass(frozen=True)
class UpperTailsParameters(EmpiricalTailsParameters):
    """The same parameters, but only high values count."""

    upper_only: int = bounded(1, 0, 1)


class TailTable:
    """The reference distribution of one feature, thinned to a few hundred knots.

    A knot is a reference value with the number of reference values `below` it and `upto` it,
    itself included. Between two knots the larger of both possible counts is used, so thinning
    never makes a value look rarer than it is.
    """

    def __init__(
        self, knots: Floats, below: Integers, upto: Integers, fill: float, *, upper_only: bool
    ) -> None:
        """Take k ascending knots with their counts, all of shape (k,); k = 0 without values."""
        self._knots, self._below, self._upto, self._fill = knots, below, upto, fill
        total = int(upto[-1]) if upto.size else 0
        # Cells alternate: before the first knot, at it, between it and the second, at that, ...
        not_above = np.empty(2 * knots.size + 1, dtype=np.int64)
        not_below = np.empty_like(not_above)
        inside = np.empty_like(not_above)
        not_above[0::2] = np.append(below, total)
        not_below[0::2] = total - np.append(0, upto)
        not_above[1::2], not_below[1::2] = upto, total - below
        inside[0::2] = np.append(below, total) - np.append(0, upto)
        inside[1::2] = upto - below
        counted = not_below if upper_only else np.minimum(not_above, not_below)
        self._parts = np.array([-math.log((1 + count) / (1 + total)) for count in counted.tolist()])
        self._common = knots[upto - below >= COMMON_SHARE * max(total, 1)]
        self.mean = float((inside * self._parts).sum() / total) if total else 0.0

    @classmethod
    def fit(cls, values: Floats, tail_step: float, *, upper_only: bool = False) -> TailTable:
        """Count the finite values, shape (n,), and keep the knots that `tail_step` asks for."""
        fill = lower_median(values)
        if fill is None:
            counts = np.empty(0, np.int64)
            return cls(np.empty(0), counts, counts, 0.0, upper_only=upper_only)
        distinct, counts = np.unique(values[np.isfinite(values)], return_counts=True)
        upto = np.cumsum(counts)
        below, total = upto - counts, upto[-1]
        keep = np.zeros(distinct.size, dtype=bool)
        keep[[0, -1]] = True
        keep |= counts >= COMMON_SHARE * total
        for before, after in ((below, upto), (total - upto, total - below)):
            steps = [np.floor(np.log1p(count) / tail_step) for count in (before, after)]
            keep |= steps[0] != steps[1]
        return cls(distinct[keep], below[keep], upto[keep], fill, upper_only=upper_only)

    @classmethod
    def read(cls, content: object, *, upper_only: bool) -> TailTable:
        """Read what `content` wrote from an untrusted artefact."""
        require(isinstance(content, Mapping), "a feature is not an object")
        fields: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
        knots = read_numbers(fields.get("knots"), "knots")
        below, upto = (_counts(fields.get(name), name) for name in ("below", "upto"))
        fill = read_numbers([fields.get("median")], "median")[0]
        require(knots.size == below.size == upto.size, "knots and counts differ in length")
        require((np.diff(knots) > 0).all(), "the knots do not ascend")
        require((np.append(0, upto) <= np.append(below, upto[-1:].sum())).all(), "counts overlap")
        require((below < upto).all(), "a knot has no values")
        return cls(knots, below, upto, float(fill), upper_only=upper_only)

    def content(self) -> dict[str, Any]:
        """The part of an artefact that restores this table exactly."""
        return {
            "knots": self._knots.tolist(),
            "below": self._below.tolist(),
            "upto": self._upto.tolist(),
            "median": self._fill,
        }

    def parts(self, values: Floats) -> Floats:
        """The part of each value, shape (n,): looked up, so independent of the other values."""
        if self._knots.size == 0:
            return np.zeros(values.shape)
        filled = fill_missing(values, self._fill)
        for common in self._common.tolist():
            near = np.abs(filled - common) <= NEAR * abs(common)
            filled = np.where(near, common, filled)
        knot = np.searchsorted(self._knots, filled)
        at_knot = self._knots[np.minimum(knot, self._knots.size - 1)] == filled
        cells = 2 * knot + at_knot
        parts: Floats = self._parts[cells]
        return parts


class EmpiricalTailsModel:
    """A loaded artefact; reasons are the parts of a row above the mean part of the reference."""

    def __init__(
        self, features: tuple[str, ...], tables: Sequence[TailTable], reference: FrozenScores
    ) -> None:
        """Take one table per feature."""
        self.features = features
        self._tables = tables
        self._reference = reference

    def score(self, columns: Sequence[Floats], segments: Segments) -> Scored:
        """Score n rows; contributions add up to the score less the reference's mean score."""
        score = total_parts(self._tables, columns)
        tail = self._reference.tail(score, segments)
        explained = self._reference.explained(tail)
        contributions = [
            table.parts(column) - table.mean
            for table, column in zip(self._tables, take_rows(columns, explained), strict=True)
        ]
        return Scored(
            score=score,
            tail=tail,
            explained=explained,
            contributions=np.column_stack(contributions),
        )


def total_parts(tables: Sequence[TailTable], columns: Sequence[Floats]) -> Floats:
    """The sum of all parts, shape (n,), always added in the order of the features."""
    total = np.zeros(columns[0].shape)
    for table, column in zip(tables, columns, strict=True):
        total += table.parts(column)
    return total


def fit(training: Training, parameters: EmpiricalTailsParameters) -> Outcome:
    """Count the reference of every feature and write the JSON artefact."""
    sample = draw_sample(training, parameters)
    if isinstance(sample, Outcome):
        return sample
    tables = [
        TailTable.fit(column, parameters.tail_step, upper_only=parameters.upper_only == 1)
        for column in take_rows(training.columns, sample.rows)
    ]
    scores = total_parts(tables, take_rows(training.columns, sample.scored))
    segments = training.segments.take(sample.scored)
    content = {
        "format": FORMAT,
        "features": [feature.name for feature in training.features],
        "tables": [table.content() for table in tables],
        "upper_only": parameters.upper_only,
        **FrozenScores.freeze(scores, segments, parameters).content(),
    }
    return Outcome(training_rows=sample.rows.size, payload=write_json(content))


def load(payload: bytes) -> EmpiricalTailsModel:
    """Read a JSON artefact, checking every type, length and order."""
    content = read_json(payload, FORMAT)
    features = read_names(content)
    tables = content.get("tables")
    require(isinstance(tables, list), "it has no tables")
    upper_only = content.get("upper_only")
    require(type(upper_only) is int and upper_only in (0, 1), "upper_only is neither 0 nor 1")
    checked = [TailTable.read(table, upper_only=upper_only == 1) for table in tables or []]
    require(len(checked) == len(features), "features and tables differ in number")
    return EmpiricalTailsModel(features, checked, FrozenScores.read(content))


def _counts(values: object, name: str) -> Integers:
    """A list of whole numbers of an artefact."""
    require(
        isinstance(values, list) and all(type(value) is int for value in values),
        f"{name} is not a list of counts",
    )
    numbers = read_numbers(values, name)
    require((numbers >= 0).all() and (numbers <= LARGEST_COUNT).all(), f"{name} is out of range")
    return numbers.astype(np.int64)


DETECTOR = Detector(
    name=NAME,
    catalogue_flag="in_anomaly",
    parameters=EmpiricalTailsParameters,
    fit=fit,
    load=load,
)
