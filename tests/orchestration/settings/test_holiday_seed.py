"""The holiday seed is what the pinned `holidays` library says, and can be written anew."""

import csv
from pathlib import Path

from orchestration.settings.holiday_seed import holiday_rows, write_seed

SEED = Path(__file__).parents[3] / "seeds" / "holidays.csv"


def test_seed_is_what_the_library_says(tmp_path: Path):
    with SEED.open(encoding="utf-8", newline="") as file:
        last_year = max(int(row["holiday_date"][:4]) for row in csv.DictReader(file))
    written = tmp_path / "holidays.csv"
    assert write_seed(written, last_year) == len(holiday_rows(last_year)) > 0
    assert written.read_text(encoding="utf-8") == SEED.read_text(encoding="utf-8")
