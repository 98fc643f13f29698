"""Detectors fitted once for all files, and what they say of the rows that were kept for scoring."""

import pyarrow as pa
import pytest

import detectors
from tests.detectors import correlated
from tests.detectors.card_company import SCORED, as_batch, fitted, scores


@pytest.fixture(scope="session")
def artefacts() -> dict[str, pa.Table]:
    return {algorithm: fitted(algorithm) for algorithm in detectors.ALGORITHMS}


@pytest.fixture(scope="session")
def whole(artefacts) -> dict[str, dict[str, dict]]:
    """Every row of SCORED, scored in one batch, by transaction."""
    return {
        algorithm: {
            row["transaction_id"]: row for row in scores(algorithm, table, as_batch(SCORED))
        }
        for algorithm, table in artefacts.items()
    }


@pytest.fixture(scope="session")
def fits() -> dict[str, pa.Table]:
    return {name: correlated.fitted(name, correlated.TRAINING) for name in detectors.ALGORITHMS[1:]}


@pytest.fixture(scope="session")
def found(fits) -> dict[str, dict[str, dict]]:
    return {
        name: {
            row["transaction_id"]: row
            for row in correlated.scored(name, table, correlated.later(correlated.ROWS))
        }
        for name, table in fits.items()
    }
