"""The company's own currency and calendar: one row of a seed, and the amounts that follow it.

The amounts of seeds/rule_thresholds.csv are shipped in won. Another currency is set together with
the factor by which they are multiplied; the factor stays in seeds/company.csv, so that it is always
one of the shipped amounts, however often it is set.
"""

import csv
import math
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import holidays

from orchestration.engine.errors import CardwatchError
from orchestration.engine.files import whole_file
from orchestration.settings.holiday_seed import FIRST_YEAR, YEARS_AHEAD
from orchestration.settings.policy import read_seed
from orchestration.settings.thresholds import THRESHOLDS, Threshold, read_thresholds

COMPANY = Path("seeds/company.csv")
_CURRENCIES = Path("seeds/currencies.csv")
_HOLIDAYS = Path("seeds/holidays.csv")
_COSTS = "round_unit, recovery_rate, deterrence_value, review_cost and annoyance_cost"

# A scaled amount is the shortest number within this share of the exact one: 7,000 won by 0.000714
# are 5 dollars, 50,000 are 35.7; and back again 7,000 and 50,000.
_TOLERANCE = Decimal("0.001")


@dataclass(frozen=True)
class Company:
    """The row of the seed; days of the week-end by their ISO numbers."""

    currency: str
    country: str
    weekend_days: tuple[int, ...]
    threshold_factor: float


@dataclass(frozen=True)
class Change:
    """What `set_company` did: the company before and after, and each amount before and after."""

    before: Company
    after: Company
    amounts: tuple[tuple[Threshold, str, str], ...]
    new_holidays: int
    knows_holidays: bool


def read_company(project_root: Path) -> Company:
    """The company's row; CardwatchError says what is wrong with it."""
    rows = read_seed(project_root / COMPANY)
    if len(rows) != 1:
        raise CardwatchError(f"{COMPANY} has {len(rows)} rows; a company has one currency")
    [row] = rows
    try:
        weekend = tuple(int(day) for day in row["weekend_days"].split(","))
        factor = float(row["threshold_factor"])
    except (AttributeError, TypeError, ValueError):
        weekend, factor = (), math.nan
    if not 0 < factor < math.inf or not all(1 <= day <= 7 for day in weekend):
        raise CardwatchError(
            f"{COMPANY} needs a threshold_factor above 0, and weekend_days such as 6,7 (Monday is"
            " 1); `cardwatch init` writes both"
        )
    return Company(row["currency"], row["country"], weekend, factor)


def check_company(project_root: Path) -> Company:
    """Refuse, in one sentence, a company of whose currency nothing is known."""
    company = read_company(project_root)
    _check_currency(project_root, company.currency, f"{COMPANY} says {company.currency}")
    return company


def set_company(
    project_root: Path,
    currency: str,
    country: str,
    factor: float,
    weekend_days: tuple[int, ...] | None = None,
) -> Change:
    """Set the company and multiply the shipped amounts of the rules by a factor, or change nothing.

    The week-end is the country's where it is not given, and so are holidays that the seed lacks.
    """
    before = read_company(project_root)
    _check_currency(project_root, currency, f"--currency {currency}")
    if not 0 < factor < math.inf:
        raise CardwatchError(f"--factor {factor:g} is no factor; say what one won is worth")
    calendar = _calendar(country)
    weekend = weekend_days or (
        tuple(sorted(day + 1 for day in calendar.weekend)) if calendar is not None else (6, 7)
    )
    after = Company(currency, country, weekend, factor)
    amounts = _scaled(read_thresholds(project_root), before, after)
    known = {row["country"] for row in read_seed(project_root / _HOLIDAYS)}
    added = [] if country in known or calendar is None else _holiday_rows(country, calendar)
    texts = {_HOLIDAYS: _with_rows(project_root / _HOLIDAYS, added)} if added else {}
    texts[THRESHOLDS] = _with_amounts(project_root / THRESHOLDS, amounts, currency)
    texts[COMPANY] = _as_csv(after, before)
    with ExitStack() as files:
        # every file is written before the first takes its name; the last to open does so first
        for path, text in reversed(texts.items()):
            unfinished = files.enter_context(whole_file(project_root / path, durable=True))
            unfinished.write_text(text, encoding="utf-8")
    return Change(before, after, amounts, len(added), country in known or bool(added))


def _check_currency(project_root: Path, currency: str, what: str) -> None:
    if currency not in {row["currency"] for row in read_seed(project_root / _CURRENCIES)}:
        raise CardwatchError(
            f"{what}, but {_CURRENCIES} has no row for it; add one with its {_COSTS}"
        )


def _scaled(
    thresholds: list[Threshold], before: Company, after: Company
) -> tuple[tuple[Threshold, str, str], ...]:
    """Each amount among the thresholds, with its new value and reach as texts."""
    scale = Decimal(repr(after.threshold_factor)) / Decimal(repr(before.threshold_factor))

    def scaled(amount: float) -> str:
        exact = Decimal(repr(amount))
        return f"{exact.normalize():f}" if scale == 1 else _rounded(exact * scale)

    changed = []
    for threshold in thresholds:
        if not threshold.is_amount:
            continue
        if threshold.unit != before.currency:
            raise CardwatchError(
                f"{THRESHOLDS} gives rule {threshold.rule_id}, {threshold.parameter} in "
                f"{threshold.unit}, but {COMPANY} says {before.currency}; make them agree first"
            )
        reach = " ".join(f"{end} {scaled(number)}" for end, number in threshold.ends.items())
        changed.append((threshold, scaled(threshold.value), reach))
    return tuple(changed)


def _rounded(amount: Decimal) -> str:
    shortened = (Decimal(f"{amount:.{digits}g}") for digits in range(1, 5))
    near = next(short for short in shortened if abs(short - amount) <= _TOLERANCE * amount)
    return f"{near.normalize():f}"


def _with_amounts(
    path: Path, amounts: tuple[tuple[Threshold, str, str], ...], currency: str
) -> str:
    """The text of the thresholds' seed with other amounts; whatever else is in it stays."""
    new = {(each.rule_id, each.parameter): (value, reach) for each, value, reach in amounts}
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split(",", maxsplit=5)
        if tuple(fields[:2]) in new:
            value, reach = new[fields[0], fields[1]]
            fields[2:5] = value, currency, reach
        lines.append(",".join(fields))
    return "\n".join(lines) + "\n"


def _as_csv(company: Company, before: Company) -> str:
    note = (
        f"set by `cardwatch init`; amounts of {THRESHOLDS} are the shipped ones times the factor,"
        f" to a thousandth; before: {before.currency}, {before.country}"
    )
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("currency", "country", "weekend_days", "threshold_factor", "note"))
    days = ",".join(map(str, company.weekend_days))
    factor = f"{Decimal(repr(company.threshold_factor)).normalize():f}"
    writer.writerow((company.currency, company.country, days, factor, note))
    return text.getvalue()


def _calendar(country: str) -> holidays.HolidayBase | None:
    """The country's calendar; None for one that the library does not know."""
    years = range(FIRST_YEAR, date.today().year + YEARS_AHEAD + 1)
    try:
        return holidays.country_holidays(country, years=years)
    except NotImplementedError:
        return None


def _holiday_rows(country: str, calendar: holidays.HolidayBase) -> list[tuple[str, str, str, str]]:
    return [
        (day.isoformat(), country, calendar[day], calendar[day]) for day in sorted(calendar.keys())
    ]


def _with_rows(path: Path, rows: list[tuple[str, str, str, str]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return path.read_text(encoding="utf-8") + text.getvalue()
