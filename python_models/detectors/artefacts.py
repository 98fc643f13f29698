"""Artefacts: how a fit becomes a row, and how untrusted rows become models again."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from detectors.arrays import DetectorError, Floats, Integers
from detectors.contract import ARTEFACT_SCHEMA, PROMOTION_SCHEMA, Detector, Model, Outcome
from detectors.training import EPOCH, Training

FITTED = "fitted"
SKIPPED = "skipped"

NUMERIC_KINDS = "fiu"
ARRAY_TYPES = ("<f4", "<f8")


def artefact_row(
    detector: Detector, parameters: Any, training: Training, outcome: Outcome
) -> dict[str, Any]:
    """What there is to record of a fit, or of why it was skipped: a row of `ARTEFACT_SCHEMA`.

    As long as nothing else is known the version is fitted on the day until which it learned, and
    scores from that day on.
    """
    payload = outcome.payload
    sha256 = None if payload is None else hashlib.sha256(payload).hexdigest()
    return {
        "detector": detector.name,
        "version": version_name(detector.name, training.until, sha256),
        "fitted_on": training.until,
        "fitted_because": "asked for",
        "algorithm": detector.algorithm or detector.name,
        "parameters": json.dumps(asdict(parameters), sort_keys=True),
        "features": json.dumps([feature.name for feature in training.features]),
        "features_version": "unknown",
        "trained_from": training.first_day,
        "trained_until": training.until,
        "training_rows": outcome.training_rows,
        "positive_labels": int((training.misuse == 1).sum()),
        "negative_labels": int((training.misuse == 0).sum()),
        "data_fingerprint": training.fingerprint,
        "verdict": SKIPPED if payload is None else "first",
        "verdict_reason": outcome.note or "there is no champion to compare it with",
        "is_promoted": payload is not None,
        "artefact": payload,
        "artefact_sha256": sha256,
        "status": SKIPPED if payload is None else FITTED,
        "note": outcome.note,
    }


def version_name(name: str, fitted_on: date, sha256: str | None) -> str:
    """Detector, day of the fit, and the start of the artefact's hash."""
    return f"{name}-{fitted_on.isoformat()}-{SKIPPED if sha256 is None else sha256[:8]}"


def write_json(content: Mapping[str, Any]) -> bytes:
    """Canonical JSON: the same content is always the same bytes; NaN and infinity are refused."""
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False
    ).encode()


def read_json(payload: bytes, expected_format: str) -> dict[str, Any]:
    """The object in a JSON artefact; raises `DetectorError` unless it has the expected format."""
    try:
        content = json.loads(payload.decode())
    except (ValueError, RecursionError) as error:
        raise DetectorError(f"The artefact is not JSON: {type(error).__name__}.") from error
    require(isinstance(content, dict), "it is not a JSON object")
    require(content.get("format") == expected_format, f"its format is not {expected_format}")
    return dict(content)


def require(condition: object, complaint: str) -> None:
    """Raise `DetectorError` with the complaint about an artefact unless the condition holds."""
    if not condition:
        raise DetectorError(f"The artefact is not usable: {complaint}.")


def read_names(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The feature names of an artefact: a list of different, non-empty strings."""
    listed = content.get("features")
    names = tuple(listed) if isinstance(listed, list) else ()
    require(names, "it has no list of features")
    require(all(isinstance(name, str) and name for name in names), "a feature has no name")
    require(len(set(names)) == len(names), "a feature is listed twice")
    return names


def read_number(content: Mapping[str, Any], name: str) -> float:
    """One finite number of an artefact."""
    return float(read_numbers([content.get(name)], name)[0])


def read_numbers(values: object, name: str) -> Floats:
    """A list of numbers, or an array, as float64 of shape (n,); every one must be finite."""
    complaint = f"{name} is not a list of numbers"
    if isinstance(values, np.ndarray):
        require(values.dtype.kind in NUMERIC_KINDS and values.ndim == 1, complaint)
        numbers = values.astype(np.float64)
    else:
        listed = values if isinstance(values, list) else [None]
        require(all(type(value) in (int, float) for value in listed), complaint)
        try:
            numbers = np.array(listed, dtype=np.float64)
        except OverflowError as error:
            raise DetectorError(f"The artefact is not usable: {complaint}.") from error
    require(np.isfinite(numbers).all(), complaint)
    return numbers


def write_array(values: Floats, kind: str = "<f8") -> dict[str, Any]:
    """An array as its little-endian bytes in base64, which JSON carries faster than digits."""
    stored = np.ascontiguousarray(values, dtype=kind)
    data = base64.b64encode(stored.tobytes()).decode()
    return {"type": kind, "shape": list(stored.shape), "data": data}


def read_array(content: object, name: str, shape: Sequence[int | None]) -> Floats:
    """What `write_array` wrote, as float64 of the given shape (None: any length); all finite."""
    fields: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
    kind, stored = fields.get("type"), fields.get("shape")
    require(kind in ARRAY_TYPES and isinstance(fields.get("data"), str), f"{name} is not an array")
    require(
        isinstance(stored, list)
        and len(stored) == len(shape)
        and all(type(length) is int and length >= 0 for length in stored)
        and all(asked in (None, length) for asked, length in zip(shape, stored, strict=True)),
        f"{name} has another shape",
    )
    try:
        data = base64.b64decode(str(fields["data"]), validate=True)
    except ValueError as error:
        raise DetectorError(f"The artefact is not usable: {name} is not base64.") from error
    lengths: list[int] = list(stored or [])
    require(len(data) == math.prod(lengths) * np.dtype(kind).itemsize, f"{name} differs in length")
    values = np.frombuffer(data, dtype=kind).astype(np.float64).reshape(lengths)
    require(np.isfinite(values).all(), f"{name} has a value that is not finite")
    return values


class Timeline:
    """The champions of one detector in time; every day belongs to at most one version."""

    def __init__(
        self, detector: Detector, artefacts: pa.Table, promotions: pa.Table | None = None
    ) -> None:
        """Verify the hash of every version that ever scores; nothing is loaded yet.

        artefacts: rows of `ARTEFACT_SCHEMA`. promotions: rows of `PROMOTION_SCHEMA`; of several
        for one day the latest holds. A version that its fit promoted scores from the day of the
        fit even where no promotion says so.

        Raises `DetectorError` when an artefact differs from its hash or version, or when two
        different artefacts claim the same day.
        """
        missing = sorted(set(ARTEFACT_SCHEMA.names) - set(artefacts.column_names))
        if missing:
            raise DetectorError(f"The artefact table has no column {', '.join(missing)}.")
        rows = {
            row["version"]: row
            for row in artefacts.select(ARTEFACT_SCHEMA.names).to_pylist()
            if row["detector"] == detector.name and row["status"] == FITTED
        }
        told = [] if promotions is None else promotions.select(PROMOTION_SCHEMA.names).to_pylist()
        told = [row for row in told if row["detector"] == detector.name]
        periods: dict[date, str] = {}
        for row in rows.values():
            if row["is_promoted"] and row["fitted_on"] in periods:
                raise DetectorError(
                    f"{periods[row['fitted_on']]} and {row['version']} claim the same days."
                )
            if row["is_promoted"]:
                periods[row["fitted_on"]] = row["version"]
        for row in sorted(told, key=lambda row: row["decided_at"]):
            periods[row["champion_from"]] = row["version"]
        self._detector = detector
        self._periods = sorted(periods.items())
        self._rows = []
        for _, version in self._periods:
            if version not in rows:
                raise DetectorError(f"{version} was promoted, but there is no such artefact.")
            _verify(detector.name, rows[version])
            self._rows.append(rows[version])
        self._models: dict[str, Model] = {}
        self._starts = np.array(
            [(start - EPOCH).days for start, _ in self._periods], dtype=np.int64
        )

    @property
    def versions(self) -> list[str]:
        """The version of each period, earliest first."""
        return [version for _, version in self._periods]

    def assign(self, days: Integers) -> Integers:
        """For days since 1970, the position of the version that scores them; -1 before the first.

        That is the version that became champion last, on the day or before it.
        """
        return np.searchsorted(self._starts, days, side="right").astype(np.int64) - 1

    def on(self, day: date) -> tuple[str, Model] | None:
        """The champion of a day and its version; None before the first."""
        position = int(self.assign(np.array([(day - EPOCH).days], dtype=np.int64))[0])
        return None if position < 0 else (self.versions[position], self.model(position))

    def model(self, position: int) -> Model:
        """The model of a version, loaded when it is needed for the first time."""
        row = self._rows[position]
        if row["version"] not in self._models:
            self._models[row["version"]] = load_version(self._detector, row)
        return self._models[row["version"]]


def load_version(detector: Detector, row: Mapping[str, Any]) -> Model:
    """The model of one row of `ARTEFACT_SCHEMA`, its hash verified before it is read."""
    _verify(detector.name, row)
    try:
        model = detector.load(row["artefact"])
    except DetectorError as error:
        raise DetectorError(f"{row['version']} cannot be loaded: {error}") from error
    if json.dumps(list(model.features)) != row["features"]:
        raise DetectorError(f"{row['version']} lists other features than its artefact holds.")
    return model


def _verify(name: str, row: Mapping[str, Any]) -> None:
    """Compare an artefact with its recorded hash and version."""
    if row["artefact"] is None or row["fitted_on"] is None:
        raise DetectorError(f"{row['version']} is marked as fitted but has no artefact or date.")
    sha256 = hashlib.sha256(row["artefact"]).hexdigest()
    if sha256 != row["artefact_sha256"]:
        raise DetectorError(f"The artefact of {row['version']} does not match its recorded hash.")
    if row["version"] != version_name(name, row["fitted_on"], sha256):
        raise DetectorError(f"The version {row['version']} does not belong to its artefact.")
