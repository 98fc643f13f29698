"""Columns from arrays of codes, and files that appear whole or not at all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from orchestration.demo_company.days import Array, Days
from orchestration.demo_company.figures import SECONDS_PER_DAY
from orchestration.engine.files import whole_file

Column: TypeAlias = Any  # a pyarrow array; pyarrow has no type hints

# The order of the BRIEF's canonical feeds; these files carry exactly these columns.
# fmt: off
FEED_COLUMNS = {
    "card_transactions": [
        "transaction_id", "card_id", "authorized_at", "authorized_precision", "posted_at",
        "employee_id", "merchant_id", "merchant_name", "mcc", "merchant_registration_no",
        "merchant_city", "merchant_country", "latitude", "longitude", "entry_mode", "amount",
        "currency", "status", "original_transaction_id",
    ],
    "cards": [
        "card_id", "employee_id", "valid_from", "valid_to", "status", "single_limit",
        "monthly_limit",
    ],
    "employees": [
        "employee_id", "department_id", "valid_from", "valid_to", "grade", "manager_id",
        "hired_on", "left_on", "home_latitude", "home_longitude", "site",
    ],
    "expense_claims": [
        "claim_id", "employee_id", "submitted_at", "amount", "transaction_id", "account_code",
        "purpose", "attendees", "receipt_no", "approver_id", "approved_at", "payment",
    ],
    "absences": [
        "employee_id", "starts_at", "ends_at", "kind",
    ],
    "trips": [
        "employee_id", "starts_at", "ends_at", "city",
    ],
    "external_hits": [
        "filter", "transaction_id", "flagged_at", "score",
    ],
    "labels": [
        "transaction_id", "misuse", "decided_at",
    ],
}
# fmt: on


def ids(prefix: str, numbers: Array, width: int) -> Column:
    """Text such as ``card_000123``; negative numbers become null."""
    count = len(numbers)
    lead = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    text = np.empty((count, len(lead) + width), dtype=np.uint8)
    text[:, : len(lead)] = lead
    rest = np.maximum(numbers, 0).astype(np.int64)
    for place in range(width - 1, -1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, len(lead) + place] = digit + ord("0")
    offsets = np.arange(count + 1, dtype=np.int32) * text.shape[1]
    column = pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
    return _without(column, numbers < 0)


def words(codes: Array, values: Sequence[str]) -> Column:
    """Text looked up by code; negative codes become null."""
    column = pa.DictionaryArray.from_arrays(
        pa.array(np.maximum(codes, 0), type=pa.int32()), pa.array(values, type=pa.string())
    ).dictionary_decode()
    return _without(column, codes < 0)


def moments(
    days: Days, seconds: Array, *, missing: Array | None = None, unit: str = "us"
) -> Column:
    """Wall-clock timestamps without zone from seconds since the first day."""
    at = np.datetime64(days.first, "s") + np.asarray(seconds, dtype="timedelta64[s]")
    return pa.array(at, mask=missing).cast(pa.timestamp(unit))


def dates(days: Days, index: Array, *, missing: Array | None = None) -> Column:
    """Dates from days since the first day."""
    at = np.datetime64(days.first, "D") + np.asarray(index, dtype="timedelta64[D]")
    return pa.array(at, mask=missing)


def days_of(seconds: Array) -> Array:
    """The day index of moments given in seconds since the first day."""
    return np.floor_divide(seconds, SECONDS_PER_DAY)


def _without(column: Column, missing: Array) -> Column:
    if not missing.any():
        return column
    return pc.if_else(pa.array(~missing), column, pa.scalar(None, column.type))


def write_parquet(path: Path, table: Column) -> None:
    """Write a Parquet file so that it appears under its name only when complete."""
    _write_whole(path, lambda part: pq.write_table(table, part, compression="zstd"))


def write_csv(path: Path, table: Column) -> None:
    """Write a CSV file (header, no quotes, empty for null) that appears only when complete."""
    options = pa_csv.WriteOptions(batch_size=16_384, quoting_style="none", quoting_header="none")
    _write_whole(path, lambda part: pa_csv.write_csv(table, part, options))


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears only when complete."""
    _write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    with whole_file(path) as part:
        write(part)


def write_daily(
    folder: Path, days: Days, at: Array, rows: Callable[[slice], Column], suffix: str
) -> int:
    """Write one file a day named by the day; returns the number of files.

    ``at`` are ascending seconds since the first day, ``rows`` gives the table of a slice.
    Days without rows get no file.
    """
    write = write_parquet if suffix == "parquet" else write_csv
    edges = np.searchsorted(at, np.arange(days.count + 1) * SECONDS_PER_DAY)
    busy = np.flatnonzero(np.diff(edges))
    for day in busy:
        path = folder / f"{days.day(int(day)):%Y-%m-%d}.{suffix}"
        write(path, rows(slice(int(edges[day]), int(edges[day + 1]))))
    return len(busy)
