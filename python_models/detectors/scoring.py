"""From a record batch to its scores: every row to its version, and back into its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.artefacts import Timeline
from detectors.contract import (
    MAXIMUM_REASONS,
    REASON_TYPE,
    SCORE_SCHEMA,
    DetectorError,
    Floats,
    Integers,
    Scored,
)
from detectors.features import read_column, read_numbers
from detectors.reference import take_rows


@dataclass(frozen=True)
class Reasons:
    """Reasons of some rows: `lengths[i]` of them for `rows[i]`, one after the other."""

    rows: Integers
    lengths: Integers
    features: npt.NDArray[np.str_]
    contributions: Floats


def score_batch(timeline: Timeline, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Score a batch of n rows; the result has n rows of `SCORE_SCHEMA` in the same order."""
    dates = read_column(batch, "transaction_date", pa.date32())
    if dates.null_count:
        raise DetectorError("A row to be scored has no transaction_date.")
    days = pc.cast(dates, pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
    versions = timeline.assign(days)
    score, tail, probability = (np.full(days.size, np.nan) for _ in range(3))
    reasons: list[Reasons] = []
    for version in np.unique(versions[versions >= 0]).tolist():
        rows = np.flatnonzero(versions == version)
        model = timeline.model(version)
        columns = [read_numbers(batch, name) for name in model.features]
        scored = model.score(columns if rows.size == days.size else take_rows(columns, rows))
        score[rows] = scored.score
        if scored.tail is not None:
            tail[rows] = scored.tail
        if scored.probability is not None:
            probability[rows] = scored.probability
        reasons.append(strongest(scored, model.features, rows))
    names = pa.array(timeline.versions, pa.string())
    return pa.RecordBatch.from_arrays(
        [
            read_column(batch, "transaction_id", pa.string()),
            dates,
            *(pa.array(values, mask=np.isnan(values)) for values in (score, tail, probability)),
            names.take(pa.array(versions, mask=versions < 0)),
            reason_lists(reasons, days.size),
        ],
        schema=SCORE_SCHEMA,
    )


def strongest(scored: Scored, features: Sequence[str], rows: Integers) -> Reasons:
    """The highest positive contributions of each explained row, descending.

    `rows` translates positions in `scored` to positions in the batch. Equal contributions keep
    the order of the features.
    """
    order = np.argsort(-scored.contributions, axis=1, kind="stable")[:, :MAXIMUM_REASONS]
    contributions = np.take_along_axis(scored.contributions, order, axis=1)
    kept = contributions > 0
    return Reasons(
        rows=rows[scored.explained],
        lengths=kept.sum(axis=1),
        features=np.asarray(features)[order][kept],
        contributions=contributions[kept],
    )


def reason_lists(reasons: Sequence[Reasons], size: int) -> pa.Array:
    """The column of reasons of a batch of `size` rows; null for rows that are not explained."""
    lengths = np.zeros(size, dtype=np.int64)
    explained = np.zeros(size, dtype=bool)
    for part in reasons:
        lengths[part.rows], explained[part.rows] = part.lengths, True
    rows = [np.repeat(part.rows, part.lengths) for part in reasons]
    order = np.argsort(np.concatenate(rows), kind="stable") if rows else np.empty(0, np.int64)
    features = [name for part in reasons for name in part.features.tolist()]
    contributions = [value for part in reasons for value in part.contributions.tolist()]
    values = pa.StructArray.from_arrays(
        [pa.array(features, pa.string()), pa.array(contributions, pa.float64())],
        fields=list(REASON_TYPE),
    ).take(pa.array(order))
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
    return pa.ListArray.from_arrays(
        pa.array(offsets), values, type=pa.list_(REASON_TYPE), mask=pa.array(~explained)
    )
