"""The feature catalogue, and the way from Arrow columns to the numbers a detector works on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from detectors.arrays import DetectorError, Floats, Integers

SCALES = ("linear", "log")


@dataclass(frozen=True)
class Feature:
    """A feature and the scale on which unsupervised detectors read it."""

    name: str
    scale: str


@dataclass(frozen=True)
class Segments:
    """The segment of n rows: `codes`, shape (n,), are positions in `names`, or -1 for none."""

    names: tuple[str, ...]
    codes: Integers

    def take(self, rows: Integers) -> Segments:
        """The given rows."""
        return Segments(self.names, self.codes[rows])


def read_catalogue(catalogue: pa.Table, flag: str) -> tuple[Feature, ...]:
    """Features whose boolean column `flag` is true, sorted by name.

    `catalogue` has the columns feature, scale and `flag`. Sorting makes a fit independent of the
    order of the catalogue. Raises `DetectorError` when the catalogue is unusable.
    """
    missing = sorted({"feature", "scale", flag} - set(catalogue.column_names))
    if missing:
        raise DetectorError(f"The feature catalogue has no column {', '.join(missing)}.")
    rows = catalogue.select(["feature", "scale", flag]).to_pylist()
    chosen = sorted((row for row in rows if row[flag]), key=lambda row: str(row["feature"]))
    if not chosen:
        raise DetectorError(f"No feature of the catalogue has {flag} set.")
    names = [row["feature"] for row in chosen]
    for name, row in zip(names, chosen, strict=True):
        if not (isinstance(name, str) and name.isascii() and name.isidentifier()):
            raise DetectorError(f"The feature name {name!r} is not a plain identifier.")
        if names.count(name) > 1:
            raise DetectorError(f"The feature {name} is in the catalogue more than once.")
        check_scale(name, row["scale"])
    return tuple(Feature(row["feature"], row["scale"]) for row in chosen)


def check_scale(name: object, scale: object) -> None:
    """Raise `DetectorError` unless `scale` is one of `SCALES`."""
    if scale not in SCALES:
        raise DetectorError(
            f"The scale of the feature {name} is {scale!r}; it must be linear or log."
        )


def read_column(
    rows: pa.Table | pa.RecordBatch, name: str, kind: pa.DataType
) -> pa.Array | pa.ChunkedArray:
    """The column `name` as `kind`; raises `DetectorError` when it is missing or does not fit."""
    if name not in rows.schema.names:
        raise DetectorError(f"The rows have no column {name}.")
    try:
        return pc.cast(rows.column(name), kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DetectorError(f"The column {name} cannot be read as {kind}.") from error


def read_numbers(rows: pa.Table | pa.RecordBatch, name: str) -> Floats:
    """The column `name` as float64 of shape (rows,), nulls as NaN, without a copy if possible."""
    values = read_column(rows, name, pa.float64())
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def read_segments(rows: pa.Table | pa.RecordBatch) -> Segments:
    """The column `segment`; rows have none where it is null, or where there is no such column."""
    if "segment" not in rows.schema.names:
        return Segments((), np.full(rows.num_rows, -1, dtype=np.int64))
    values = read_column(rows, "segment", pa.string())
    distinct = pc.drop_null(pc.unique(values))
    known = distinct.take(pc.array_sort_indices(distinct))
    codes = pc.fill_null(pc.index_in(values, value_set=known), -1)
    return Segments(tuple(known.to_pylist()), codes.to_numpy(zero_copy_only=False).astype(np.int64))


def scaled(values: Floats, scale: str) -> Floats:
    """`values` on the scale of their feature: as they are, or sign(x) * log(1 + |x|).

    Heavy-tailed amounts and counts leave distances and random cuts to a handful of extreme
    values unless they are put on a logarithmic scale first.
    """
    if scale == "log":
        return np.copysign(np.log1p(np.abs(values)), values)
    return values


def lower_median(values: Floats) -> float | None:
    """The lower median of the finite values (always a value that occurs); None without any."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return None
    middle = (finite.size - 1) // 2
    return float(np.partition(finite, middle)[middle])
