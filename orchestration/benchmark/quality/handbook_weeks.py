"""A week to learn from and the week after next, scored and judged as the handbook does it.

What was a fraud becomes known in the week between them. As in a warehouse the tree also reads the
tails of the detectors that need no labels.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.metrics import average_precision_score, roc_auc_score

import detectors
from detectors.validation import card_precision
from orchestration.benchmark.measuring import timed
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home

DETECTOR = "gradient_boosted_tree"
WEEK = timedelta(days=7)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measures:
    """The handbook's three measures of a set of scores."""

    auc_roc: float
    average_precision: float
    card_precision_100: float


def measure(frauds: Booleans, scores: Floats, cards: Integers, days: Integers) -> Measures:
    """All three measures of n scored transactions; arrays of shape (n,)."""
    return Measures(
        auc_roc=float(roc_auc_score(frauds, scores)),
        average_precision=float(average_precision_score(frauds, scores)),
        card_precision_100=card_precision(frauds, scores, cards, days),
    )


def still_judged(first_frauds: Integers, days: Integers) -> Booleans:
    """Which transactions of the test week are judged; arrays of shape (n,), days as numbers.

    A card leaves the test on the day its first fraud since training began is known: at the
    latest eight days after it, and from the first day of the test for one in training.
    `first_frauds` is the day of that first fraud, or beyond every day where there is none.
    """
    return first_frauds > days - 8


@dataclass(frozen=True)
class ScoredWeek:
    """A test week with a detector's scores; arrays of shape (n,) over the rows still judged."""

    start: date
    training: pa.Table
    identifiers: pa.Array
    frauds: Booleans
    scores: Floats
    tails: Floats
    cards: Integers
    days: Integers

    def measures(self, scores: Floats | None = None) -> Measures:
        """The measures of these or other scores of the week."""
        return measure(
            self.frauds, self.scores if scores is None else scores, self.cards, self.days
        )


# --- fitting and scoring --------------------------------------------------------------------------


def fit_parameters(workshop: Home, detector: str) -> dict[str, Any]:
    """A detector's parameters as the dbt project has them."""
    manifest = json.loads((workshop.dbt_target / "manifest.json").read_text(encoding="utf-8"))
    model = f"{detector}__fit" if detector == detectors.TREE else "anomaly__fit"
    given: dict[str, Any] = manifest["nodes"][f"model.cardwatch.{model}"]["config"]["parameters"]
    return given if detector == detectors.TREE else given.get(detector, {})


def fit_and_score(
    connection: duckdb.DuckDBPyConnection,
    detector: str,
    start: date,
    parameters: dict[str, Any],
    seconds: dict[str, float],
    unlabelled: Mapping[str, pa.Table] | None = None,
) -> ScoredWeek:
    """Fit on one week and score the week after next; `unlabelled` are detectors whose tails count.

    They are artefacts by name, fitted on days before the training week.
    """
    test_start = start + 2 * WEEK
    catalogue = _catalogue(connection)
    columns = _columns(catalogue, detector, *(unlabelled or ()))
    training = _with_tails(_training(connection, start, columns), unlabelled)
    if unlabelled:
        signals = connection.execute("from seeds.tree_signals").to_arrow_table()
        known = pa.array([f"{name}_tail" for name in unlabelled])
        catalogue = pa.concat_tables(
            [catalogue, signals.filter(pc.is_in(signals["feature"], known))]
        )
    with timed(seconds, "handbook", f"fit {detector} {start}"):
        artefact = detectors.fit(
            detector,
            features=catalogue,
            parameters=parameters,
            trained_until=test_start,
            training=training,
        )
    if artefact["status"][0].as_py() != "fitted":
        raise CardwatchError(f"the week from {start} cannot be learned from: {artefact['note'][0]}")
    week = _with_tails(_test_week(connection, start, columns), unlabelled)
    with timed(seconds, "handbook", f"score {detector} {start}"):
        scored = pa.Table.from_batches(
            detectors.score(detector, artefacts=artefact, batches=week.to_batches(100_000))
        )
    day_numbers = week["day"].to_numpy()
    judged = still_judged(week["first_fraud_day"].to_numpy(), day_numbers)
    return ScoredWeek(
        start=start,
        training=training.select(["transaction_id", "misuse"]),
        identifiers=week["transaction_id"].filter(pa.array(judged)),
        frauds=week["is_fraud"].to_numpy()[judged],
        scores=scored["score"].to_numpy()[judged],
        tails=scored["tail"].to_numpy()[judged],
        cards=week["card_number"].to_numpy()[judged],
        days=day_numbers[judged],
    )


def fit_unlabelled(
    connection: duckdb.DuckDBPyConnection,
    start: date,
    parameters: Mapping[str, dict[str, Any]],
    seconds: dict[str, float],
) -> dict[str, pa.Table]:
    """Artefacts of the detectors without labels, fitted on the week before the training week."""
    catalogue = _catalogue(connection)
    names = [name for name in detectors.ALGORITHMS if name != DETECTOR]
    rows = _training(connection, start - WEEK, _columns(catalogue, *names))
    with timed(seconds, "handbook", f"fit without labels {start}"):
        fitted = {
            name: detectors.fit(
                name,
                features=catalogue,
                parameters=parameters[name],
                trained_until=start,
                training=rows,
            )
            for name in names
        }
    return {name: table for name, table in fitted.items() if table["artefact"][0].is_valid}


def _with_tails(rows: pa.Table, unlabelled: Mapping[str, pa.Table] | None) -> pa.Table:
    """The rows with the tails of these detectors as further columns."""
    for name, artefact in (unlabelled or {}).items():
        scored = pa.Table.from_batches(
            detectors.score(name, artefacts=artefact, batches=rows.to_batches(100_000))
        )
        rows = rows.append_column(f"{name}_tail", scored["tail"])
    return rows


def _catalogue(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    return connection.execute("from seeds.feature_catalog").to_arrow_table()


def _columns(catalogue: pa.Table, *names: str) -> list[str]:
    """What the query must give these detectors."""
    needed = [column for name in names for column in detectors.input_columns(name, catalogue)]
    return ["category as segment" if name == "segment" else name for name in dict.fromkeys(needed)]


# --- rows ----------------------------------------------------------------------------------------


def _training(connection: duckdb.DuckDBPyConnection, start: date, columns: list[str]) -> pa.Table:
    """The training week, with what was known of it when the test begins."""
    return connection.execute(
        f"""
        with known as (
            select transaction_id, misuse
            from labels.latest_decisions
            where known_from <= $start + 14 and known_until > $start + 14
        )
        select {", ".join(columns)}, known.misuse, 1.0::double as weight
        from features.feat_transaction
        left join known using (transaction_id)
        where transaction_date >= $start and transaction_date < $start + 7
        order by transaction_id
        """,  # noqa: S608 - names of our own feature catalogue
        {"start": start},
    ).to_arrow_table()


def _test_week(connection: duckdb.DuckDBPyConnection, start: date, columns: list[str]) -> pa.Table:
    """The test week with its truth, and each card's first fraud since training began."""
    return connection.execute(
        f"""
        with truth as (
            select _key as transaction_id, tx_fraud = 1 as is_fraud
            from raw.handbook__transactions
        ),
        first_frauds as (
            select card_id, min(transaction_date) as first_fraud_on
            from features.feat_transaction
            inner join truth using (transaction_id)
            where is_fraud and transaction_date >= $start
            group by card_id
        )
        select
            {", ".join(columns)},
            truth.is_fraud,
            dense_rank() over (order by card_id) as card_number,
            transaction_date - date '1970-01-01' as day,
            coalesce(first_fraud_on - date '1970-01-01', 1000000) as first_fraud_day
        from features.feat_transaction
        inner join truth using (transaction_id)
        left join first_frauds using (card_id)
        where transaction_date >= $start + 14 and transaction_date < $start + 21
        order by transaction_id
        """,  # noqa: S608 - names of our own feature catalogue
        {"start": start},
    ).to_arrow_table()
