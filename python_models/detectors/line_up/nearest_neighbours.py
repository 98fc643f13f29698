"""Nearest neighbours: how far is a transaction from the normal ones most like it?

scikit-learn's NearestNeighbors on normal scores, against a frozen sample of the reference. The
score is the mean Euclidean distance to the k nearest rows of the sample. Reasons compare with the
median of those neighbours, feature by feature, in units of the feature's spread:

    u_j = |x_j - median of the neighbours' x_j| / (1.4826 * median absolute deviation of x_j)
    contribution_j = score * u_j / (sum of all u)

so they add up to the score. The nearest rows of the sample are named, so that a reviewer can put
the most similar normal purchases beside the odd one.

Trees are no faster than scikit-learn's brute force here (40 features, measured ten times slower).
It multiplies matrices; normal scores are multiples of a grid, so that its distances are exact and
do not depend on the rows it is given together (see `normal_scores`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation
from sklearn.neighbors import NearestNeighbors

from detectors.arrays import Floats, Integers
from detectors.artefacts import (
    read_array,
    read_json,
    read_names,
    require,
    write_array,
    write_json,
)
from detectors.contract import Detector, Outcome, Scored, bounded
from detectors.features import Segments
from detectors.normal_scores import GRID, LARGEST, NormalScores
from detectors.reference import FrozenScores, ReferenceParameters, draw_sample, take_rows
from detectors.training import Training

NAME = "nearest_neighbours"
FORMAT = "cardwatch/nearest_neighbours/1"
NAMED = 3
ROWS_AT_ONCE = 512
LARGEST_SAMPLE = 20_000
MOST_NEIGHBOURS = 1_000
MOST_FEATURES = 500  # with these, squared distances and positions fit into 53 bits


@dataclass(frozen=True)
class NearestNeighboursParameters(ReferenceParameters):
    """Parameters of this detector, besides the shared ones.

    neighbours: how many of the nearest rows count.
    sample_rows: rows of the frozen sample, drawn by a hash of their id. The time to score a row
        grows with it.
    """

    neighbours: int = bounded(5, 1, MOST_NEIGHBOURS)
    sample_rows: int = bounded(3_000, 2, LARGEST_SAMPLE)


class Neighbourhood:
    """The frozen sample: n rows of normal scores over f features, and their ids."""

    def __init__(
        self, normals: NormalScores, sample: Floats, identifiers: Sequence[str], neighbours: int
    ) -> None:
        """Take the sample, shape (n, f), in the order in which ties are broken."""
        self._normals = normals
        self._sample = sample
        self._identifiers = identifiers
        self._neighbours = neighbours
        self._index = NearestNeighbors(algorithm="brute").fit(sample)
        self._lengths = np.einsum("ij,ij->i", sample, sample)

    def scores(
        self, columns: Sequence[Floats], inside: npt.NDArray[np.bool_] | None = None
    ) -> Floats:
        """Mean distance to the neighbours, shape (n,).

        inside: which rows are in the sample themselves, shape (n,). A row is at distance 0 from
            itself, so without its first distance it is compared with all others.
        """
        distances = np.concatenate([self._distances(b) for b in self._normals.blocks(columns)])
        total = np.zeros(len(distances))
        for position in range(self._neighbours):
            nearest = distances[:, position]
            if inside is not None:
                nearest = np.where(inside, distances[:, position + 1], nearest)
            total += nearest
        return total / self._neighbours

    def _distances(self, normals: Floats) -> Floats:
        """Ascending distances to one more row than there are neighbours, shape (n, k + 1)."""
        if normals.shape[1] == 0:
            return np.empty((0, self._neighbours + 1))
        rows = np.ascontiguousarray(normals.T)
        distances, _ = self._index.kneighbors(rows, self._neighbours + 1)
        return np.asarray(distances)

    def compare(self, columns: Sequence[Floats], spread: Floats) -> tuple[Floats, list[list[str]]]:
        """Distances u from the neighbours' medians, shape (n, f), and the ids of the nearest."""
        normals = np.ascontiguousarray(self._normals.matrix(columns).T)
        units = np.empty(normals.shape)
        nearest: list[list[str]] = []
        for start in range(0, len(normals), ROWS_AT_ONCE):
            rows = normals[start : start + ROWS_AT_ONCE]
            positions = self._positions(rows)
            typical = np.median(self._sample[positions], axis=1)
            units[start : start + ROWS_AT_ONCE] = np.abs(rows - typical) / spread
            nearest += [
                [self._identifiers[position] for position in row]
                for row in positions[:, :NAMED].tolist()
            ]
        return units, nearest

    def _positions(self, rows: Floats) -> Integers:
        """Positions of the neighbours in the sample, nearest first, shape (n, k).

        scikit-learn leaves open which of two rows at the same distance it returns. Here the
        position is the last digits of a whole number that begins with the squared distance.
        """
        own = np.einsum("ij,ij->i", rows, rows)[:, np.newaxis]
        squared = own + self._lengths - 2 * (rows @ self._sample.T)
        keys = squared / GRID**2 * len(self._sample) + np.arange(len(self._sample))
        nearest = np.argpartition(keys, self._neighbours - 1, axis=1)[:, : self._neighbours]
        order = np.argsort(np.take_along_axis(keys, nearest, axis=1), axis=1)
        return np.asarray(np.take_along_axis(nearest, order, axis=1))


class NearestNeighboursModel:
    """A loaded artefact."""

    def __init__(
        self,
        features: tuple[str, ...],
        neighbourhood: Neighbourhood,
        spread: Floats,
        reference: FrozenScores,
    ) -> None:
        """Take the sample over the features, and the spread of each, shape (f,)."""
        self.features = features
        self._neighbourhood = neighbourhood
        self._spread = spread
        self._reference = reference

    def score(self, columns: Sequence[Floats], segments: Segments) -> Scored:
        """Score n rows."""
        score = self._neighbourhood.scores(columns)
        tail = self._reference.tail(score, segments)
        explained = self._reference.explained(tail)
        odd = take_rows(columns, explained)
        units, nearest = self._neighbourhood.compare(odd, self._spread)
        total = np.array([max(sum(row), 1e-9) for row in units.tolist()])
        return Scored(
            score=score,
            tail=tail,
            explained=explained,
            contributions=units * (score[explained] / total)[:, np.newaxis],
            nearest=nearest,
        )


def fit(training: Training, parameters: NearestNeighboursParameters) -> Outcome:
    """Draw the sample and write the JSON artefact."""
    sample = draw_sample(training, parameters)
    if isinstance(sample, Outcome):
        return sample
    normals = NormalScores.fit(take_rows(training.columns, sample.rows))
    drawn = np.sort(training.in_hash_order(sample.rows)[: parameters.sample_rows])
    identifiers = [training.identifiers[row] for row in drawn]
    matrix = np.ascontiguousarray(normals.matrix(take_rows(training.columns, drawn)).T)
    neighbours = min(parameters.neighbours, drawn.size - 1)
    scores = Neighbourhood(normals, matrix, identifiers, neighbours).scores(
        take_rows(training.columns, sample.scored), np.isin(sample.scored, drawn)
    )
    segments = training.segments.take(sample.scored)
    content = {
        "format": FORMAT,
        "features": [feature.name for feature in training.features],
        "sample": write_array(matrix, "<f4"),  # multiples of the grid lose nothing
        "transactions": identifiers,
        "neighbours": neighbours,
        "spread": write_array(_spread(matrix)),
        **normals.content(),
        **FrozenScores.freeze(scores, segments, parameters).content(),
    }
    return Outcome(training_rows=sample.rows.size, payload=write_json(content))


def _spread(matrix: Floats) -> Floats:
    """Spread of every feature, shape (f,).

    The median absolute deviation is 0 where one value is that of most rows; the standard
    deviation stands in for it there, and 1 where nothing varies at all.
    """
    spread = np.asarray(median_abs_deviation(matrix, axis=0, scale="normal"))
    spread = np.where(spread > 0, spread, matrix.std(axis=0))
    return np.where(spread > 0, spread, 1.0)


def load(payload: bytes) -> NearestNeighboursModel:
    """Read a JSON artefact, checking every shape, number and name."""
    content = read_json(payload, FORMAT)
    features = read_names(content)
    size = len(features)
    require(size <= MOST_FEATURES, "it has too many features")
    sample = read_array(content.get("sample"), "sample", (None, size))
    require(2 <= len(sample) <= LARGEST_SAMPLE, "the sample has too few or too many rows")
    require((np.abs(sample) < LARGEST).all(), "a normal score of the sample is too large")
    require((sample % GRID == 0).all(), "a normal score of the sample is not on the grid")
    identifiers = content.get("transactions")
    require(
        isinstance(identifiers, list) and all(isinstance(name, str) for name in identifiers),
        "the sample names no transactions",
    )
    listed: list[str] = list(identifiers or [])
    require(len(listed) == len(sample), "the sample and its transactions differ in number")
    neighbours = content.get("neighbours")
    require(type(neighbours) is int, "the number of neighbours is not whole")
    number = int(neighbours or 0)
    require(0 < number < len(sample), "the number of neighbours is out of range")
    spread = read_array(content.get("spread"), "spread", (size,))
    require((spread > 0).all(), "a feature has no spread")
    normals = NormalScores.read(content, size)
    neighbourhood = Neighbourhood(normals, sample, listed, number)
    return NearestNeighboursModel(features, neighbourhood, spread, FrozenScores.read(content))


DETECTOR = Detector(
    name=NAME,
    catalogue_flag="in_anomaly",
    parameters=NearestNeighboursParameters,
    fit=fit,
    load=load,
)
