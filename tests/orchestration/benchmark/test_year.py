"""A year of a small company whose behaviour changes in month 8: noticed, retrained, recovered.

`cardwatch benchmark year` runs the same through the whole pipeline, in twenty minutes.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import average_precision_score

import detectors
from tests.models.test_monitoring import drift

FIRST_DAY = date(2025, 1, 1)
CHANGE = date(2025, 8, 1)
MONTHS = [date(2025, month, 1) for month in range(1, 13)]
FEATURES = ("amount", "pace", "novelty")
CATALOGUE = pa.table(
    {
        "feature": list(FEATURES),
        "scale": ["log", "log", "linear"],
        **{flag: [True] * 3 for flag in ("in_tree", "in_anomaly", "in_peer", "in_collective")},
    }
)
#: Decisions come with a delay; a version is judged on the four weeks before that.
GAP, HELD = timedelta(days=21), timedelta(days=28)


@pytest.fixture(scope="module")
def purchases() -> pa.Table:
    """Until July misuse is dear; from August it is frequent, and all prices rise by half."""
    random = np.random.default_rng(5)
    rows = 24_000
    day = np.sort(random.integers(0, 365, rows))
    later = day >= (CHANGE - FIRST_DAY).days
    misuse = random.random(rows) < 0.03
    return pa.table(
        {
            "transaction_id": [f"t{number:06d}" for number in range(rows)],
            "transaction_date": pa.array([FIRST_DAY + timedelta(days=int(d)) for d in day]),
            "card_id": [f"K{card}" for card in random.integers(0, 300, rows)],
            "amount": random.lognormal(3, 0.5, rows)
            * np.where(misuse & ~later, 4, 1)
            * np.where(later, 1.5, 1),
            "pace": random.lognormal(1, 0.3, rows) * np.where(misuse & later, 5, 1),
            "novelty": random.random(rows),
            "misuse": misuse,
            "weight": np.ones(rows),
        }
    )


@pytest.fixture(scope="module")
def versions(purchases: pa.Table) -> pa.Table:
    """A version a month, the tree's, promoted if it is better."""
    due = MONTHS[2:]

    def training(day: date) -> pa.Table:
        rows = purchases.filter(pc.less(purchases["transaction_date"], pa.scalar(day)))
        decided = pc.less(rows["transaction_date"], pa.scalar(day - GAP))
        known = pc.if_else(decided, rows["misuse"], pa.scalar(None, pa.bool_()))
        return rows.set_column(rows.column_names.index("misuse"), "misuse", known)

    return detectors.fit_due(
        "gradient_boosted_tree",
        schedule=pa.table(
            {
                "fitted_on": pa.array(due, pa.date32()),
                "reason": ["schedule"] * len(due),
                "holdout_from": pa.array(
                    [day - GAP - HELD if day > due[0] else None for day in due], pa.date32()
                ),
                "holdout_until": pa.array(
                    [day - GAP if day > due[0] else None for day in due], pa.date32()
                ),
                "features_version": ["v1"] * len(due),
            }
        ),
        issued=detectors.ARTEFACT_SCHEMA.empty_table(),
        promotions=detectors.PROMOTION_SCHEMA.empty_table(),
        features=CATALOGUE,
        parameters={"n_estimators": 60, "min_child_samples": 20},
        promotion="automatic",
        training=training,
    )


def test_the_drift_is_noticed_in_the_week_of_the_change(purchases: pa.Table):
    frame = purchases.to_pandas()
    frame["transaction_date"] = pd.to_datetime(frame.transaction_date)
    found = drift(frame, {name: frame[name].to_numpy() for name in FEATURES})
    amounts = found[(found.feature == "amount") & (found.comparison == "previous")]
    noticed = amounts[amounts.is_drifted].week.dt.date.tolist()
    week_of_change = date(2025, 8, 4)  # the first whole week
    assert week_of_change in noticed
    assert sum(week < CHANGE - timedelta(days=7) for week in noticed) <= 4
    untouched = found[(found.feature == "novelty") & (found.comparison == "previous")]
    assert untouched.is_drifted.mean() < 0.2


def test_a_candidate_is_trained_compared_and_promoted_and_quality_recovers(
    purchases: pa.Table, versions: pa.Table
):
    scored = pa.Table.from_batches(
        detectors.score(
            "gradient_boosted_tree",
            artefacts=versions,
            batches=purchases.combine_chunks().to_batches(),
        )
    )
    truth = purchases["misuse"].to_numpy()
    days = np.array(purchases["transaction_date"].to_pylist())
    score = scored["score"].to_numpy()

    def quality(first: date, until: date) -> float:
        inside = (days >= first) & (days < until)
        return float(average_precision_score(truth[inside], score[inside]))

    before = quality(date(2025, 4, 1), CHANGE)
    after = quality(CHANGE, date(2025, 9, 1))
    recovered = quality(date(2025, 12, 1), date(2026, 1, 1))
    assert before > 0.5
    assert after < before / 2
    assert recovered > before

    promoted = [row for row in versions.to_pylist() if row["is_promoted"]]
    assert promoted[0]["verdict"] == "first"
    since = [row for row in promoted if row["fitted_on"] > CHANGE]
    assert since
    assert all(row["verdict"] == "better" and row["compared_with"] for row in since)
    assert since[0]["fitted_on"] <= date(2025, 11, 1)
