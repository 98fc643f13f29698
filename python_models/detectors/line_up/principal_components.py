"""Principal components: does a transaction break the way its features usually move together?

scikit-learn's PCA on normal scores. The leading components hold what most transactions have in
common; what they cannot express of a row x with reference mean m is its residual

    r = (I - C' C) (x - m),   score = sum over features j of r_j ** 2

with C the components that together explain `variance_kept`. Features that are odd together, yet
each in its usual range, leave a large residual. A reason is r_j ** 2 less its mean over the
reference, so reasons add up to the score less the mean score of the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from detectors.arrays import Floats
from detectors.artefacts import read_json, read_names, write_array, write_json
from detectors.contract import Detector, Outcome, Scored, bounded
from detectors.features import Segments
from detectors.normal_scores import ExactProduct, NormalScores, read_factors, sum_of_rows
from detectors.reference import FrozenScores, ReferenceParameters, draw_sample, take_rows
from detectors.training import Training

NAME = "principal_components"
FORMAT = "cardwatch/principal_components/1"


@dataclass(frozen=True)
class PrincipalComponentsParameters(ReferenceParameters):
    """Parameters of this detector, besides the shared ones.

    variance_kept: share of the variance that the leading components explain; one component less
        than there are features is the most that is kept.
    """

    variance_kept: float = bounded(0.8, 0.0, 1.0)


class Residuals:
    """What the components cannot express: `projection` (f, f), less its `offset` (f,)."""

    def __init__(self, normals: NormalScores, projection: Floats, offset: Floats) -> None:
        """Take I - C' C and its product with the reference mean."""
        self._normals = normals
        self._product = ExactProduct(projection)
        self._offset = offset[:, np.newaxis]

    def parts(self, columns: Sequence[Floats]) -> Floats:
        """Squared residuals, shape (f, n)."""
        return self._squared(self._normals.matrix(columns))

    def scores(self, columns: Sequence[Floats]) -> Floats:
        """Their sum over the features, shape (n,)."""
        blocks = self._normals.blocks(columns)
        return np.concatenate([sum_of_rows(self._squared(block)) for block in blocks])

    def _squared(self, normals: Floats) -> Floats:
        return np.square(self._product(normals) - self._offset)


class PrincipalComponentsModel:
    """A loaded artefact."""

    def __init__(
        self,
        features: tuple[str, ...],
        residuals: Residuals,
        mean_parts: Floats,
        reference: FrozenScores,
    ) -> None:
        """Take the residuals over the features and their mean squares, shape (f,)."""
        self.features = features
        self._residuals = residuals
        self._mean_parts = mean_parts
        self._reference = reference

    def score(self, columns: Sequence[Floats], segments: Segments) -> Scored:
        """Score n rows."""
        score = self._residuals.scores(columns)
        tail = self._reference.tail(score, segments)
        explained = self._reference.explained(tail)
        parts = self._residuals.parts(take_rows(columns, explained))
        return Scored(
            score=score,
            tail=tail,
            explained=explained,
            contributions=parts.T - self._mean_parts,
        )


def fit(training: Training, parameters: PrincipalComponentsParameters) -> Outcome:
    """Fit the components and write the JSON artefact."""
    sample = draw_sample(training, parameters)
    if isinstance(sample, Outcome):
        return sample
    columns = take_rows(training.columns, sample.rows)
    normals = NormalScores.fit(columns)
    matrix = normals.matrix(columns)
    projection, offset = _fit_projection(matrix, parameters.variance_kept)
    residuals = Residuals(normals, projection, offset)
    scores = residuals.scores(take_rows(training.columns, sample.scored))
    segments = training.segments.take(sample.scored)
    content = {
        "format": FORMAT,
        "features": [feature.name for feature in training.features],
        "projection": write_array(projection),
        "offset": write_array(offset),
        "mean_parts": write_array(residuals.parts(columns).mean(axis=1)),
        **normals.content(),
        **FrozenScores.freeze(scores, segments, parameters).content(),
    }
    return Outcome(training_rows=sample.rows.size, payload=write_json(content))


def _fit_projection(normals: Floats, variance_kept: float) -> tuple[Floats, Floats]:
    """I - C' C for the normal scores, shape (f, n), and its product with their mean.

    One thread, because the last bits of sums depend on how many add them up.
    """
    with threadpool_limits(1), np.errstate(invalid="ignore"):  # shares where nothing varies
        fitted = PCA(svd_solver="covariance_eigh").fit(normals.T)
        carried = np.cumsum(fitted.explained_variance_)
        kept = int(np.searchsorted(carried, variance_kept * carried[-1])) + 1
        leading = fitted.components_[: min(kept, len(normals) - 1)]
        projection = np.eye(len(normals)) - leading.T @ leading
        return projection, projection @ fitted.mean_


def load(payload: bytes) -> PrincipalComponentsModel:
    """Read a JSON artefact, checking every shape and number."""
    content = read_json(payload, FORMAT)
    features = read_names(content)
    size = len(features)
    residuals = Residuals(
        NormalScores.read(content, size),
        read_factors(content.get("projection"), "projection", (size, size)),
        read_factors(content.get("offset"), "offset", (size,)),
    )
    mean_parts = read_factors(content.get("mean_parts"), "mean_parts", (size,))
    return PrincipalComponentsModel(features, residuals, mean_parts, FrozenScores.read(content))


DETECTOR = Detector(
    name=NAME,
    catalogue_flag="in_anomaly",
    parameters=PrincipalComponentsParameters,
    fit=fit,
    load=load,
)
