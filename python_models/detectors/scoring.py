"""From a record batch to its scores: every row to its version, and back into its place."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from detectors.arrays import DetectorError, Floats, Integers
from detectors.artefacts import Timeline
from detectors.contract import MAXIMUM_REASONS, REASON_TYPE, SCORE_SCHEMA, Scored
from detectors.features import read_column, read_numbers, read_segments
from detectors.reference import take_rows

#: Batches scored at the same time.
WORKERS = os.cpu_count() or 1
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Reasons:
    """Reasons of some rows: `lengths[i]` of them for `rows[i]`, one after the other."""

    rows: Integers
    lengths: Integers
    features: npt.NDArray[np.str_]
    contributions: Floats


def score_batches(
    timeline: Timeline, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Score several batches at once, each by one thread, and yield them in their order.

    At most one batch more than there are workers is held. Threads inside of BLAS and OpenMP are
    turned off: for matrices as small as these they wait for each other most of the time.
    """
    pending: deque[Future[pa.RecordBatch]] = deque()
    with (
        threadpool_limits(1, "blas"),
        # The limit of OpenMP belongs to the thread that sets it.
        ThreadPoolExecutor(WORKERS, initializer=threadpool_limits, initargs=(1, "openmp")) as pool,
    ):
        try:
            for batch in batches:
                pending.append(pool.submit(score_batch, timeline, batch))
                if len(pending) > WORKERS:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for waiting in pending:
                waiting.cancel()


def score_batch(timeline: Timeline, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Score a batch of n rows; the result has n rows of `SCORE_SCHEMA` in the same order."""
    dates = read_column(batch, "transaction_date", pa.date32())
    if dates.null_count:
        raise DetectorError("A row to be scored has no transaction_date.")
    days = pc.cast(dates, pa.int32()).to_numpy(zero_copy_only=False).astype(np.int64)
    versions = timeline.assign(days)
    segments = read_segments(batch)
    score, tail, probability = (np.full(days.size, np.nan) for _ in range(3))
    reasons: list[Reasons] = []
    nearest: dict[int, Sequence[str]] = {}
    for version in np.unique(versions[versions >= 0]).tolist():
        rows = np.flatnonzero(versions == version)
        with _LOADING:
            model = timeline.model(version)
        columns = [read_numbers(batch, name) for name in model.features]
        scored = model.score(
            columns if rows.size == days.size else take_rows(columns, rows), segments.take(rows)
        )
        score[rows] = scored.score
        if scored.tail is not None:
            tail[rows] = scored.tail
        if scored.probability is not None:
            probability[rows] = scored.probability
        reasons.append(strongest(scored, model.features, rows))
        if scored.nearest is not None:
            explained = rows[scored.explained].tolist()
            nearest.update(zip(explained, scored.nearest, strict=True))
    names = pa.array(timeline.versions, pa.string())
    return pa.RecordBatch.from_arrays(
        [
            read_column(batch, "transaction_id", pa.string()),
            dates,
            *(pa.array(values, mask=np.isnan(values)) for values in (score, tail, probability)),
            names.take(pa.array(versions, mask=versions < 0)),
            reason_lists(reasons, days.size),
            name_lists(nearest, days.size),
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


def name_lists(names: Mapping[int, Sequence[str]], size: int) -> pa.Array:
    """The column of nearest rows of a batch of `size` rows; null where `names` has no row."""
    if not names:
        return pa.nulls(size, pa.list_(pa.string()))
    rows = sorted(names)
    positions = np.full(size, -1, dtype=np.int64)
    positions[rows] = np.arange(len(rows))
    lists = pa.array([names[row] for row in rows], pa.list_(pa.string()))
    return lists.take(pa.array(positions, mask=positions < 0))
