"""Gaussian mixture: how dense is the reference around a transaction?

scikit-learn's GaussianMixture with full covariances on normal scores: a few kinds of purchases,
each with correlations of its own. The score is -ln density, in nats, higher where fewer reference
rows are.

A reason is how surprising one feature is given all others. Under the most responsible component,
with mean m and precision matrix P, feature j given the rest is normal, and

    z_j = (P (x - m))_j / sqrt(P_jj)

is its distance from what the rest lets expect, in standard deviations. The contribution is
z_j ** 2: one on average, and four where one value in twenty is farther off.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from detectors.arrays import Floats, Integers
from detectors.artefacts import read_json, read_names, require, write_array, write_json
from detectors.contract import Detector, Outcome, Scored, bounded
from detectors.features import Segments
from detectors.normal_scores import ExactProduct, NormalScores, read_factors, sum_of_rows
from detectors.reference import FrozenScores, ReferenceParameters, draw_sample, take_rows
from detectors.training import Training

NAME = "gaussian_mixture"
FORMAT = "cardwatch/gaussian_mixture/1"
CANDIDATES = (1, 2, 4, 8)
LARGEST_SPREAD = 1e6  # in standard deviations of a normal score


@dataclass(frozen=True)
class GaussianMixtureParameters(ReferenceParameters):
    """Parameters of this detector, besides the shared ones.

    maximum_components: of 1, 2, 4 and 8 components up to this, those with the lowest
        Bayesian information criterion are taken.
    maximum_mixture_rows: at most so many of the rows, sampled by a hash, fit the components.
    reg_covar: variance added to every feature of every component. Yes-or-no features would
        otherwise have components without any spread, and infinite densities.
    max_iter: most steps of expectation and maximisation.
    seed: of the first means.
    """

    maximum_components: int = bounded(8, 1, 8)
    maximum_mixture_rows: int = bounded(10_000, 100, 1_000_000)
    reg_covar: float = bounded(0.05, 0.0001, 1.0)
    max_iter: int = bounded(50, 1, 1_000)
    seed: int = bounded(20_240_229, 0, 2**31 - 1)


class Density:
    """Components of which each is a factor, an offset and a constant.

    With z = factor x - offset, where factor' factor is the precision matrix, the log of weight
    times density is constant - (sum of z ** 2) / 2.
    """

    def __init__(
        self, normals: NormalScores, factors: Floats, offsets: Floats, constants: Floats
    ) -> None:
        """Take factors (k, f, f), offsets (k, f) and constants (k,)."""
        precisions = np.einsum("kij,kil->kjl", factors, factors)
        spread = np.sqrt(np.einsum("kjj->kj", precisions))
        conditional = precisions / spread[:, :, np.newaxis]
        conditional_offsets = np.einsum("kij,ki->kj", factors, offsets) / spread
        self._normals = normals
        self._factors = [ExactProduct(factor) for factor in factors]
        self._offsets = offsets[:, :, np.newaxis]
        self._conditional = [ExactProduct(matrix) for matrix in conditional]
        self._conditional_offsets = conditional_offsets[:, :, np.newaxis]
        self._constants = constants

    def scores(self, columns: Sequence[Floats]) -> Floats:
        """-ln density, shape (n,)."""
        scores = []
        for block in self._normals.blocks(columns):
            logs = self._logs(block)
            highest = logs.max(axis=0)
            scores.append(-highest - np.log(sum_of_rows(np.exp(logs - highest))))
        return np.concatenate(scores)

    def surprises(self, columns: Sequence[Floats]) -> Floats:
        """Squared conditional distances under the most responsible component, shape (f, n)."""
        normals = self._normals.matrix(columns)
        responsible: Integers = self._logs(normals).argmax(axis=0)
        surprises = np.empty(normals.shape)
        for component in np.unique(responsible).tolist():
            rows = np.flatnonzero(responsible == component)
            expected = self._conditional_offsets[component]
            distances = self._conditional[component](normals[:, rows]) - expected
            surprises[:, rows] = np.square(distances)
        return surprises

    def _logs(self, normals: Floats) -> Floats:
        """ln (weight times density) of every component, shape (k, n)."""
        logs = np.empty((len(self._factors), normals.shape[1]))
        for row, factor, offset, constant in zip(
            logs, self._factors, self._offsets, self._constants, strict=True
        ):
            row[:] = constant - sum_of_rows(np.square(factor(normals) - offset)) / 2
        return logs


class GaussianMixtureModel:
    """A loaded artefact."""

    def __init__(
        self, features: tuple[str, ...], density: Density, reference: FrozenScores
    ) -> None:
        """Take the density over the features."""
        self.features = features
        self._density = density
        self._reference = reference

    def score(self, columns: Sequence[Floats], segments: Segments) -> Scored:
        """Score n rows."""
        score = self._density.scores(columns)
        tail = self._reference.tail(score, segments)
        explained = self._reference.explained(tail)
        return Scored(
            score=score,
            tail=tail,
            explained=explained,
            contributions=self._density.surprises(take_rows(columns, explained)).T,
        )


def fit(training: Training, parameters: GaussianMixtureParameters) -> Outcome:
    """Fit the components and write the JSON artefact."""
    sample = draw_sample(training, parameters)
    if isinstance(sample, Outcome):
        return sample
    normals = NormalScores.fit(take_rows(training.columns, sample.rows))
    drawn = training.in_hash_order(sample.rows)[: parameters.maximum_mixture_rows]
    mixture = _fit_mixture(normals.matrix(take_rows(training.columns, np.sort(drawn))), parameters)
    factors = np.ascontiguousarray(mixture.precisions_cholesky_.transpose(0, 2, 1))
    offsets = np.einsum("kij,kj->ki", factors, mixture.means_)
    volumes = np.log(np.einsum("kjj->kj", factors)).sum(axis=1)
    size = len(training.features)
    constants = np.log(mixture.weights_) + volumes - size / 2 * math.log(2 * math.pi)
    density = Density(normals, factors, offsets, constants)
    scores = density.scores(take_rows(training.columns, sample.scored))
    segments = training.segments.take(sample.scored)
    content = {
        "format": FORMAT,
        "features": [feature.name for feature in training.features],
        "factors": write_array(factors),
        "offsets": write_array(offsets),
        "constants": write_array(constants),
        **normals.content(),
        **FrozenScores.freeze(scores, segments, parameters).content(),
    }
    return Outcome(training_rows=sample.rows.size, payload=write_json(content))


def _fit_mixture(normals: Floats, parameters: GaussianMixtureParameters) -> GaussianMixture:
    """The mixture with the lowest criterion for the normal scores, shape (f, n).

    One thread, because the last bits of sums depend on how many add them up. The limit of steps
    is meant, so reaching it is no cause for a warning.
    """
    rows = np.ascontiguousarray(normals.T)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixtures = [
            GaussianMixture(
                n_components=components,
                reg_covar=parameters.reg_covar,
                max_iter=parameters.max_iter,
                init_params="k-means++",
                random_state=parameters.seed,
            ).fit(rows)
            for components in CANDIDATES
            if components <= parameters.maximum_components
        ]
        return min(mixtures, key=lambda mixture: float(mixture.bic(rows)))


def load(payload: bytes) -> GaussianMixtureModel:
    """Read a JSON artefact, checking every shape and number."""
    content = read_json(payload, FORMAT)
    features = read_names(content)
    size = len(features)
    factors = read_factors(content.get("factors"), "factors", (None, size, size))
    number = len(factors)
    require(number > 0, "it has no components")
    diagonals = np.einsum("kjj->kj", factors)
    require((diagonals >= 1 / LARGEST_SPREAD).all(), "a component has no spread")
    offsets = read_factors(content.get("offsets"), "offsets", (number, size))
    constants = read_factors(content.get("constants"), "constants", (number,))
    density = Density(NormalScores.read(content, size), factors, offsets, constants)
    return GaussianMixtureModel(features, density, FrozenScores.read(content))


DETECTOR = Detector(
    name=NAME,
    catalogue_flag="in_anomaly",
    parameters=GaussianMixtureParameters,
    fit=fit,
    load=load,
)
