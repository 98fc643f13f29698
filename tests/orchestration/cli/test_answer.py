"""What machines read: numbers as numbers, unknown as null, everything else as text."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np

from orchestration.cli.answer import as_machines_read


def test_values_are_written_as_json_has_them() -> None:
    values = {
        "amount": Decimal("120000.50"),
        "share": np.float32(0.5),
        "count": np.int64(3),
        "unknown": float("nan"),
        "without_bound": float("inf"),
        "is_met": True,
        "nothing": None,
        "day": date(2025, 12, 31),
        "file": Path("a") / "b",
        "by_rows": {10: (1, "열")},
    }
    assert json.loads(as_machines_read(values)) == {
        "amount": 120000.5,
        "share": 0.5,
        "count": 3,
        "unknown": None,
        "without_bound": None,
        "is_met": True,
        "nothing": None,
        "day": "2025-12-31",
        "file": "a/b",
        "by_rows": {"10": [1, "열"]},
    }
