"""Training rows, checked and put into an order of their own."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from detectors.arrays import DetectorError, Floats, Integers
from detectors.features import Feature, Segments, read_column, read_numbers, read_segments

EPOCH = date(1970, 1, 1)
SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Training:
    """n training rows sorted by transaction id, so that no fit depends on the order of arrival.

    `columns` holds one array of shape (n,) per feature with nulls as NaN; `misuse` is 1 for
    confirmed misuse, 0 for decided innocent and -1 for not decided; `until` is the first day
    the rows do not cover, `first_day` the earliest day they do (None without rows).
    """

    features: tuple[Feature, ...]
    columns: tuple[Floats, ...]
    identifiers: tuple[str, ...]
    misuse: npt.NDArray[np.int8]
    weight: Floats
    segments: Segments
    until: date
    first_day: date | None
    fingerprint: str

    def in_hash_order(self, rows: Integers) -> Integers:
        """`rows` in the order of a hash of their transaction id.

        The first m of them are a random sample that neither position nor later rows change.
        """
        hashes = [
            int.from_bytes(hashlib.blake2b(self.identifiers[row].encode(), digest_size=8).digest())
            for row in rows
        ]
        return rows[np.argsort(np.asarray(hashes, dtype=np.uint64), kind="stable")]


def read_training(rows: pa.Table, features: tuple[Feature, ...], until: date) -> Training:
    """Check and sort the training rows.

    `rows` has transaction_id, transaction_date, misuse (bool, null while not decided), weight, a
    column per feature and, if there are segments, segment. Raises `DetectorError` for missing
    columns, ids that are null or repeat, unusable weights, and rows on or after `until`, which
    would leak what is scored into the fit.
    """
    identifiers = read_column(rows, "transaction_id", pa.string())
    dates = read_column(rows, "transaction_date", pa.date32())
    order = pc.sort_indices(identifiers)
    sorted_identifiers = tuple(identifiers.take(order).to_pylist())
    if identifiers.null_count:
        raise DetectorError("A training row has no transaction_id.")
    repeated = next(
        (first for first, second in itertools.pairwise(sorted_identifiers) if first == second),
        None,
    )
    if repeated is not None:
        raise DetectorError(f"The transaction {repeated} is in the training rows more than once.")
    if dates.null_count:
        raise DetectorError("A training row has no transaction_date.")

    positions = order.to_numpy()
    days = pc.cast(dates, pa.int32()).to_numpy(zero_copy_only=False)[positions].astype(np.int64)
    if days.size and days.max() >= (until - EPOCH).days:
        latest = EPOCH + timedelta(days=int(days.max()))
        raise DetectorError(
            f"Training rows reach {latest}, but a version trained until {until} scores that day."
        )
    decided = read_column(rows, "misuse", pa.bool_())
    misuse = pc.fill_null(pc.cast(decided, pa.int8()), -1).to_numpy(zero_copy_only=False)[positions]
    weight = read_numbers(rows, "weight")[positions]
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise DetectorError("A training row has no weight, or one that is negative.")
    segments = read_segments(rows).take(positions)
    columns = tuple(_sorted_numbers(rows, feature.name, positions) for feature in features)

    digest = hashlib.sha256()
    for text in ([feature.name for feature in features], sorted_identifiers, segments.names):
        digest.update(SEPARATOR.join(text).encode() + b"\0")
    for values in (days, misuse, weight, segments.codes, *columns):
        digest.update(np.ascontiguousarray(values).data)
    return Training(
        features=features,
        columns=columns,
        identifiers=sorted_identifiers,
        misuse=misuse,
        weight=weight,
        segments=segments,
        until=until,
        first_day=EPOCH + timedelta(days=int(days.min())) if days.size else None,
        fingerprint=digest.hexdigest(),
    )


def _sorted_numbers(rows: pa.Table, name: str, positions: Integers) -> Floats:
    """The sorted column with one bit pattern for every NaN, so that equal data hash equally."""
    values = read_numbers(rows, name)[positions]
    values[np.isnan(values)] = np.nan
    return values
