"""The holiday seed, written anew from the `holidays` library: `make holidays`.

Governments change holidays (substitute days, elections); a new release of the library knows them.
"""

import csv
from datetime import date
from pathlib import Path

import holidays

from orchestration.engine.home import project_root

#: Country, part of it, and the two languages of the seed: English and its own.
CALENDARS = (("KR", None, "en_US", "ko"), ("GB", "ENG", "en_GB", "en_GB"))
FIRST_YEAR = 2013
#: Years from today on that the seed reaches ahead.
YEARS_AHEAD = 4


def holiday_rows(last_year: int) -> list[tuple[str, str, str, str]]:
    """Return (day, country, English name, own name) from `FIRST_YEAR` to `last_year`, in order."""
    years = range(FIRST_YEAR, last_year + 1)
    rows = []
    for country, part, english, own in CALENDARS:
        names, own_names = (
            holidays.country_holidays(country, subdiv=part, years=years, language=language)
            for language in (english, own)
        )
        rows += [
            (day.isoformat(), country, names[day], own_names[day]) for day in sorted(own_names)
        ]
    return rows


def write_seed(path: Path, last_year: int) -> int:
    """Write the seed and return the number of its rows."""
    rows = holiday_rows(last_year)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("holiday_date", "country", "name_en", "name_local"))
        writer.writerows(rows)
    return len(rows)


if __name__ == "__main__":
    seed = project_root() / "seeds" / "holidays.csv"
    print(f"{seed}: {write_seed(seed, date.today().year + YEARS_AHEAD)} holidays")
