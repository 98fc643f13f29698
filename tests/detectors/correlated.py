"""Purchases that move together along three directions, and detectors fitted on them."""

from datetime import date

import numpy as np
import pyarrow as pa

import detectors
from detectors.features import Segments
from detectors.line_up import gaussian_mixture, nearest_neighbours, principal_components

UNTIL = date(2025, 8, 1)


FEATURES = [f"f{number:02d}" for number in range(12)]


CATALOGUE = pa.table(
    {
        "feature": FEATURES,
        "scale": ["linear"] * len(FEATURES),
        "in_anomaly": [True] * len(FEATURES),
        "in_peer": [number < 4 for number in range(len(FEATURES))],
        "in_collective": [number >= 8 for number in range(len(FEATURES))],
    }
)


ON_NORMAL_SCORES = {
    "principal_components": {},
    "nearest_neighbours": {"sample_rows": 700},
    "gaussian_mixture": {"maximum_components": 2},
}


def purchases(rows: int, seed: int, broken: int = 0) -> pa.Table:
    """Rows that move together along three directions; the first `broken` ones do not."""
    random = np.random.default_rng(seed)
    directions = np.random.default_rng(0).normal(size=(3, len(FEATURES)))
    values = random.normal(size=(rows, 3)) @ directions + 0.4 * random.normal(size=(rows, 12))
    for feature in range(6):
        values[:broken, feature] = random.permutation(values[:, feature])[:broken]
    values[:, 3] = values[:, 3] > 1
    values[:, 4] = np.round(np.exp(values[:, 4] / 2))
    values[:, 5] = np.exp(values[:, 5])
    values[:, 11] = 7.0
    columns = {name: values[:, position] for position, name in enumerate(FEATURES)}
    return pa.table(
        {
            "transaction_id": [f"{seed}-{number}" for number in range(rows)],
            "transaction_date": pa.array([date(2025, 7, 1)] * rows),
            **columns,
            "f06": pa.array(columns["f06"], mask=random.random(rows) < 0.2),
            "misuse": pa.nulls(rows, pa.bool_()),
            "weight": np.ones(rows),
        }
    )


def fitted(algorithm: str, training: pa.Table, **given) -> pa.Table:
    return detectors.fit(
        algorithm,
        features=CATALOGUE,
        parameters={**ON_NORMAL_SCORES.get(algorithm, {}), **given},
        trained_until=UNTIL,
        training=training,
    )


def scored(algorithm: str, artefacts: pa.Table, *batches: pa.RecordBatch) -> list[dict]:
    results = detectors.score(algorithm, artefacts=artefacts, batches=batches)
    return [row for batch in results for row in batch.to_pylist()]


def later(rows: pa.Table) -> pa.RecordBatch:
    position = rows.column_names.index("transaction_date")
    dated = rows.set_column(position, "transaction_date", pa.array([UNTIL] * len(rows)))
    return dated.combine_chunks().to_batches()[0]


def numbers(rows: pa.Table) -> list[np.ndarray]:
    return [rows[name].to_numpy() for name in FEATURES]


def no_segments(rows: int) -> Segments:
    return Segments((), np.full(rows, -1))


TRAINING = purchases(5_000, seed=1)


ROWS = purchases(900, seed=2, broken=60)


def model_of(artefacts, algorithm: str):
    module = {
        "principal_components": principal_components,
        "nearest_neighbours": nearest_neighbours,
        "gaussian_mixture": gaussian_mixture,
    }[algorithm]
    return module.load(artefacts[algorithm]["artefact"][0].as_py())
