"""Normal scores: every feature on one scale, judged by its rank in a frozen reference.

Distances, variances and densities are ruled by whichever feature has the longest tail. So the
detectors that need them read the normal score of each value instead: with m the mid-rank of the
value x among n reference values

    normal score = ndtri(m / n),   m = ((number < x) + (number <= x)) / 2

which is 0 at the median and seldom beyond 4. scikit-learn's QuantileTransformer puts the least
and greatest values at -5.2 and 5.2 however common they are, which would set the two values of a
yes-or-no feature ten standard deviations apart; mid-ranks do not.

Normal scores are multiples of `GRID`, and the matrices they are multiplied with are rounded to a
grid too, such that no sum of products needs more than the 53 bits of a float64. Products are
then exact, and the same whatever order BLAS adds them up in: its order differs with the number of
rows, with the processor and with the number of threads, and a score must not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from detectors.arrays import Floats
from detectors.artefacts import read_array, read_number, require, write_array
from detectors.features import lower_median
from detectors.reference import fill_missing

GRID_BITS = 10
GRID = 2.0**-GRID_BITS
LARGEST = 8.0  # beyond the normal score of one row in 10**15
KNOTS = 128
ROWS_AT_ONCE = 4_096  # as many as stay in the processor's cache
LARGEST_FACTOR = 1e9


@dataclass(frozen=True)
class NormalTable:
    """One feature: k ascending values, their normal scores, and the score of a missing value."""

    knots: Floats
    normals: Floats
    missing: float

    @classmethod
    def fit(cls, values: Floats) -> NormalTable:
        """Rank the finite values, shape (n,), and keep knots at equal steps of normal scores."""
        median = lower_median(values)
        if median is None:
            return cls(np.zeros(1), np.zeros(1), 0.0)
        ordered = np.sort(values[np.isfinite(values)])
        outermost = ndtri(0.5 / ordered.size)
        levels = ndtr(np.linspace(outermost, -outermost, KNOTS))
        positions = np.rint(levels * (ordered.size - 1)).astype(np.int64)
        knots = np.unique(np.append(ordered[positions], ordered[[0, -1]]))
        below = np.searchsorted(ordered, knots, side="left")
        upto = np.searchsorted(ordered, knots, side="right")
        normals = ndtri((below + upto) / (2 * ordered.size))
        return cls(knots, normals, float(np.interp(median, knots, normals)))

    @classmethod
    def read(cls, content: object) -> NormalTable:
        """Read what `content` wrote from an untrusted artefact."""
        fields: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
        knots = read_array(fields.get("knots"), "knots", (None,))
        normals = read_array(fields.get("normals"), "normals", knots.shape)
        missing = read_number(fields, "missing")
        require(knots.size > 0 and (np.diff(knots) > 0).all(), "the knots do not ascend")
        require((np.diff(normals) >= 0).all(), "the normal scores do not ascend")
        require(np.abs([*normals, missing]).max() < LARGEST, "a normal score is too large")
        return cls(knots, normals, missing)

    def content(self) -> dict[str, Any]:
        """The part of an artefact that restores this table exactly."""
        return {
            "knots": write_array(self.knots),
            "normals": write_array(self.normals),
            "missing": self.missing,
        }

    def look_up(self, values: Floats) -> Floats:
        """Normal scores of the values, shape (n,), multiples of `GRID`; between knots linear."""
        normals = fill_missing(np.interp(values, self.knots, self.normals), self.missing)
        return np.asarray(np.rint(normals / GRID) * GRID)


class NormalScores:
    """The normal scores of f features."""

    def __init__(self, tables: Sequence[NormalTable]) -> None:
        """Take one table per feature."""
        self._tables = tables

    @classmethod
    def fit(cls, columns: Sequence[Floats]) -> NormalScores:
        """Rank every column, each of shape (n,), nulls as NaN."""
        return cls([NormalTable.fit(column) for column in columns])

    @classmethod
    def read(cls, content: Mapping[str, Any], number_of_features: int) -> NormalScores:
        """Read what `content` wrote from an untrusted artefact."""
        tables = content.get("normal_scores")
        checked = [NormalTable.read(table) for table in tables] if isinstance(tables, list) else []
        require(len(checked) == number_of_features, "features and normal scores differ in number")
        return cls(checked)

    def content(self) -> dict[str, Any]:
        """The part of an artefact that restores these tables exactly."""
        return {"normal_scores": [table.content() for table in self._tables]}

    def matrix(self, columns: Sequence[Floats]) -> Floats:
        """Normal scores, shape (f, n), of columns of shape (n,), nulls as NaN."""
        matrix = np.empty((len(columns), columns[0].size))
        for row, table, column in zip(matrix, self._tables, columns, strict=True):
            row[:] = table.look_up(column)
        return matrix

    def blocks(self, columns: Sequence[Floats]) -> Iterator[Floats]:
        """The same matrix in blocks of some thousand columns; one of them for no rows at all."""
        for start in range(0, max(columns[0].size, 1), ROWS_AT_ONCE):
            yield self.matrix([column[start : start + ROWS_AT_ONCE] for column in columns])


class ExactProduct:
    """Products of one matrix with normal scores, without any rounding."""

    def __init__(self, matrix: Floats) -> None:
        """Round the matrix, shape (m, f), to the finest grid that keeps products exact."""
        largest = float(np.abs(matrix).max()) * matrix.shape[1] * LARGEST
        # Every partial sum is below 2 ** exponent: one bit is kept for the rounding itself.
        exponent = math.frexp(largest)[1] + 1
        step = math.ldexp(1.0, exponent + GRID_BITS - 53)
        self._matrix = np.rint(matrix / step) * step

    def __call__(self, normals: Floats) -> Floats:
        """The product with normal scores, shape (f, n), as shape (m, n)."""
        return np.asarray(self._matrix @ normals)


def read_factors(content: object, name: str, shape: Sequence[int | None]) -> Floats:
    """An array of an untrusted artefact that normal scores are multiplied with or compared to."""
    factors = read_array(content, name, shape)
    require((np.abs(factors) <= LARGEST_FACTOR).all(), f"{name} has a value that is too large")
    return factors


def sum_of_rows(parts: Floats) -> Floats:
    """The sum over the first axis of (f, n), always in order: numpy's depends on the shape."""
    total = np.zeros(parts.shape[1])
    for row in parts:
        total += row
    return total
