"""What unsupervised detectors share: whom they learn from, and a frozen reference of scores.

A raw anomaly score has no unit of its own. It is read against the scores of reference rows that
are stored in the artefact and never change, so neither the rank of a transaction nor whether it
is explained depends on what else is scored with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.arrays import Floats, Integers
from detectors.artefacts import read_array, read_number, require, write_array
from detectors.contract import Outcome, bounded
from detectors.features import Segments
from detectors.training import Training


@dataclass(frozen=True)
class ReferenceParameters:
    """Parameters of every unsupervised detector.

    minimum_rows: fewer usable rows than this and the fit is skipped.
    maximum_rows: at most so many rows, sampled by a hash of their id, are learned from.
    maximum_reference_scores: at most so many of their scores are kept as the reference.
    minimum_segment_rows: a segment with fewer reference scores than this is ranked among all.
    explained_share: share of the reference rows, those with the highest tails, that would be
        given reasons.
    """

    minimum_rows: int = bounded(1_000, 2, 10_000_000)
    maximum_rows: int = bounded(200_000, 2, 10_000_000)
    maximum_reference_scores: int = bounded(50_000, 2, 1_000_000)
    minimum_segment_rows: int = bounded(1_000, 2, 1_000_000)
    explained_share: float = bounded(0.02, 0.0, 1.0)


@dataclass(frozen=True)
class Sample:
    """Positions of the rows to learn from, and of those whose scores become the reference."""

    rows: Integers
    scored: Integers


def draw_sample(training: Training, parameters: ReferenceParameters) -> Sample | Outcome:
    """Rows an unsupervised detector learns from, or a skipped `Outcome` when there are too few.

    Confirmed misuse is left out. The sample follows a hash of the transaction id, so that it does
    not depend on positions; both results are sorted.
    """
    usable = np.flatnonzero(training.misuse != 1)
    if usable.size < parameters.minimum_rows:
        return Outcome(
            training_rows=usable.size,
            note=f"{usable.size} rows that are not confirmed misuse known on {training.until}; "
            f"the detector needs {parameters.minimum_rows}.",
        )
    kept = min(parameters.maximum_rows, parameters.maximum_reference_scores)
    ordered = training.in_hash_order(usable) if usable.size > kept else usable
    rows = ordered[: parameters.maximum_rows]
    return Sample(np.sort(rows), np.sort(rows[: parameters.maximum_reference_scores]))


class FrozenScores:
    """The reference scores of an artefact, by segment where a segment has enough of them.

    A score s has the tail -log10(1 - u) with u = (number of reference scores <= s) / (n + 1), so
    a tail of 3 means that about one reference row in a thousand scores higher, and no tail
    exceeds log10(n + 1). The n reference scores are those of the row's segment: what is unusual
    at headquarters may be a normal day in sales. Rows of small, new and unknown segments are
    ranked among all reference rows.
    """

    def __init__(
        self, pooled: Floats, segments: Mapping[str, Floats], explain_above: float
    ) -> None:
        """Keep sorted scores, each of shape (n,), and the tail from which rows are explained."""
        self._pooled = pooled
        self._segments = segments
        self._explain_above = explain_above

    @classmethod
    def freeze(
        cls, scores: Floats, segments: Segments, parameters: ReferenceParameters
    ) -> FrozenScores:
        """Take the scores of the reference rows, shape (n,), in any order, and their segments."""
        by_segment = {
            name: np.sort(scores[segments.codes == code])
            for code, name in enumerate(segments.names)
        }
        kept = {
            name: values
            for name, values in by_segment.items()
            if values.size >= parameters.minimum_segment_rows
        }
        frozen = cls(np.sort(scores), kept, math.inf)
        tails = frozen.tail(scores, segments)
        frozen._explain_above = upper_threshold(
            tails, np.ones_like(tails), parameters.explained_share
        )
        return frozen

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> FrozenScores:
        """Read what `content` wrote from an untrusted artefact."""
        segments = content.get("segment_scores")
        require(isinstance(segments, Mapping), "it has no scores by segment")
        return cls(
            _sorted_scores(content.get("reference_scores")),
            {str(name): _sorted_scores(scores) for name, scores in dict(segments or {}).items()},
            read_number(content, "explain_above"),
        )

    def content(self) -> dict[str, Any]:
        """The part of an artefact that restores this reference exactly."""
        return {
            "reference_scores": write_array(self._pooled),
            "segment_scores": {
                name: write_array(scores) for name, scores in self._segments.items()
            },
            "explain_above": self._explain_above,
        }

    def tail(self, scores: Floats, segments: Segments) -> Floats:
        """Tails of the scores, shape (n,), each looked up by its rank in its segment."""
        tails = _tails(self._pooled, scores)
        for code, name in enumerate(segments.names):
            if name in self._segments:
                rows = np.flatnonzero(segments.codes == code)
                tails[rows] = _tails(self._segments[name], scores[rows])
        return tails

    def explained(self, tails: Floats) -> Integers:
        """Positions of the tails that reach the threshold."""
        return np.flatnonzero(tails >= self._explain_above)


def _tails(reference: Floats, scores: Floats) -> Floats:
    """-log10(1 - rank / (n + 1)) of the scores among n sorted reference scores."""
    tails: Floats = -np.log10(1 - np.arange(reference.size + 1) / (reference.size + 1))
    return tails[np.searchsorted(reference, scores, side="right")]


def _sorted_scores(content: object) -> Floats:
    """Reference scores of an untrusted artefact."""
    scores = read_array(content, "reference_scores", (None,))
    require(scores.size > 0 and (np.diff(scores) >= 0).all(), "the scores are not sorted")
    return scores


def upper_threshold(scores: Floats, weight: Floats, share: float) -> float:
    """The lowest score such that rows at or above it carry at most `share` of the weight.

    Scores tied across the boundary all stay below it: a value that many rows share must not have
    all of them explained. With no such score the result lies just above the highest one.
    """
    order = np.argsort(-scores, kind="stable")
    descending, carried = scores[order], np.cumsum(weight[order])
    last_of_ties = np.append(descending[1:] != descending[:-1], True)
    allowed = np.flatnonzero(last_of_ties & (carried <= share * carried[-1]))
    if allowed.size == 0:
        return float(np.nextafter(descending[0], np.inf))
    return float(descending[allowed[-1]])


def fill_missing(values: Floats, fill: float) -> Floats:
    """`values` with every NaN replaced by the reference's fill value."""
    missing = np.isnan(values)
    return np.where(missing, fill, values) if missing.any() else values


def take_rows(columns: Sequence[Floats], rows: Integers) -> list[Floats]:
    """The given rows of every column."""
    return [column[rows] for column in columns]
