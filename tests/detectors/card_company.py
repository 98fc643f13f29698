"""A small company of card purchases whose misuse stands out, and detectors fitted on it."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa

import detectors
from detectors.features import Segments

FIRST_DAY = date(2025, 1, 1)


TRAINED_UNTIL = date(2025, 8, 1)


LATER = date(2025, 8, 20)


UNSUPERVISED = [name for name in detectors.ALGORITHMS if name != "gradient_boosted_tree"]


SCALES = {
    "amount": "log",
    "count_7d": "log",
    "ratio": "linear",
    "hour": "linear",
    "flag": "linear",
    "rarely_known": "log",
    "never_known": "linear",
}


CATALOGUE = pa.table(
    {
        "feature": list(SCALES),
        "scale": list(SCALES.values()),
        "in_tree": [True] * len(SCALES),
        **{
            flag: [name != "hour" for name in SCALES]
            for flag in ("in_anomaly", "in_peer", "in_collective")
        },
    }
)


SMALL = {
    "gradient_boosted_tree": {"n_estimators": 40, "min_child_samples": 20},
    "isolation_forest": {"n_estimators": 40},
    "nearest_neighbours": {"sample_rows": 500},
    "gaussian_mixture": {"maximum_components": 2, "maximum_mixture_rows": 2_000},
}


def company(rows: int, seed: int, first: date = FIRST_DAY, days: int = 200) -> pa.Table:
    """Card transactions of which about 2 % are misuse: higher amounts, ratios and counts."""
    random = np.random.default_rng(seed)
    misuse = random.random(rows) < 0.02
    known = random.random(rows) < 0.15
    amount = np.round(random.lognormal(3, 1, rows) * np.where(misuse, 12, 1))
    columns = {
        "amount": amount,
        "count_7d": random.poisson(np.where(misuse, 9, 2)).astype(float),
        "ratio": random.normal(np.where(misuse, 3, 0), 1),
        "hour": random.integers(0, 24, rows).astype(float),
        "flag": (random.random(rows) < 0.1).astype(float),
        "rarely_known": pa.array(random.lognormal(0, 1, rows), mask=~known),
        "never_known": pa.nulls(rows, pa.float64()),
    }
    return pa.table(
        {
            "transaction_id": [f"{seed}-{number:06d}" for number in range(rows)],
            "transaction_date": pa.array(
                [first + timedelta(days=int(day)) for day in random.integers(0, days, rows)]
            ),
            **columns,
            "misuse": pa.array(misuse, mask=random.random(rows) < 0.3),
            "weight": np.ones(rows),
            "truth": misuse,
        }
    )


TRAINING = company(6_000, seed=1)


SCORED = company(1_500, seed=2, first=LATER, days=30)


def fitted(algorithm: str, *, training=TRAINING, catalogue=CATALOGUE, until=TRAINED_UNTIL, **given):
    return detectors.fit(
        algorithm,
        features=catalogue,
        parameters={**SMALL.get(algorithm, {}), **given},
        trained_until=until,
        training=training,
    )


def scores(algorithm: str, artefacts: pa.Table, *batches: pa.RecordBatch) -> list[dict]:
    scored = detectors.score(algorithm, artefacts=artefacts, batches=batches)
    return [row for batch in scored for row in batch.to_pylist()]


def as_batch(rows: pa.Table) -> pa.RecordBatch:
    return rows.combine_chunks().to_batches(max_chunksize=len(rows))[0]


def no_segments(rows: int) -> Segments:
    return Segments((), np.full(rows, -1))


def shuffled(rows: pa.Table, seed: int) -> pa.Table:
    return rows.take(np.random.default_rng(seed).permutation(len(rows)))


def with_column(rows: pa.Table, name: str, values) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, pa.array(values))
