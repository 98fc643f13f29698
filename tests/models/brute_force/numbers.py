"""Constants and small sums that the brute force computes with."""

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

Values = dict[str, float | None]

MINUTES = {"10m": 10, "15m": 15, "30m": 30, "1h": 60}
DAY = pd.Timedelta(days=1)
FEWEST_FOR_A_SPREAD = 5
FEWEST_TIMES = 10
FEWEST_DAYS_OF_HABITS = 28
FEWEST_IN_A_MIXED_WEEK = 3
FEWEST_BEFORE_A_MIXED_WEEK = 10
SMOOTHING_OF_A_MIXED_WEEK = 5
LONGEST_LOOKBACK = 365
EARTH_RADIUS_KILOMETRES = 6371.0088

#: Columns of a transaction that always have a value; the others hold None for "not known".
DATA_TYPES = {
    "moment": "datetime64[us]",
    "day": "datetime64[us]",
    "has_time": bool,
    "in_person": bool,
    "is_purchase": bool,
    "is_round": bool,
    "is_near_limit": bool,
    "is_cash_like": bool,
    "amount": float,
    "log_amount": float,
}

#: Tables of the schema raw that transactions, registers and decisions come from.
RAW_TABLES = (
    "company__card_transactions",
    "company__cards",
    "company__employees",
    "company__absences",
    "company__trips",
    "company__expense_claims",
    "company__labels",
    "company__review_events",
    "handbook__transactions",
    "birmingham__purchases",
)


# --- small helpers --------------------------------------------------------------------------------


def is_known(value: Any) -> bool:
    """Whether a value was told at all."""
    return value is not None and not pd.isna(value)


def known_or_none(value: Any) -> Any:
    """The value, with None for all that means "not told"."""
    return value if is_known(value) else None


def to_the_cent(amount: float) -> Decimal:
    """The amount as an exact number with two places."""
    return Decimal(repr(float(amount))).quantize(Decimal("0.01"), ROUND_HALF_UP)


def log_of(amount: float) -> float:
    """The natural logarithm to six places; of 0.01 for anything less."""
    return round(math.log(max(amount, 0.01)), 6)


def ratio(above: float | None, below: float | None) -> float | None:
    """One divided by the other; None where one of them is, and for nothing below."""
    if above is None or below is None or below == 0:
        return None
    return above / below


def mean(numbers: Iterable[float]) -> float | None:
    """Their mean; None when there are none."""
    listed = list(numbers)
    return math.fsum(listed) / len(listed) if listed else None


def spread(numbers: Iterable[float]) -> float | None:
    """Their standard deviation (population); None below five."""
    listed = list(numbers)
    if len(listed) < FEWEST_FOR_A_SPREAD:
        return None
    middle = math.fsum(listed) / len(listed)
    return math.sqrt(math.fsum((number - middle) ** 2 for number in listed) / len(listed))


def total(rows: pd.DataFrame) -> float:
    """Sum of the amounts, exact to the cent."""
    return float(sum(rows["exact_amount"], Decimal(0)))


def largest(rows: pd.DataFrame) -> float | None:
    """Largest amount; None when there are no rows."""
    return float(max(rows["exact_amount"])) if len(rows) else None


def mean_amount(rows: pd.DataFrame) -> float | None:
    """Mean amount; None when there are no rows."""
    return total(rows) / len(rows) if len(rows) else None


def amount_spread(rows: pd.DataFrame) -> float | None:
    """Standard deviation of the amounts; None below five."""
    return spread(float(amount) for amount in rows["exact_amount"])


def concentration(names: pd.Series) -> float | None:
    """Sum of the squared shares of the names (Herfindahl-Hirschman); None when there are none."""
    if not len(names):
        return None
    return sum((int((names == name).sum()) / len(names)) ** 2 for name in names.unique())


def just_before(rows: pd.DataFrame, moment: pd.Timestamp, length: pd.Timedelta) -> pd.DataFrame:
    """The rows in [moment - length, moment)."""
    return rows[(rows["moment"] >= moment - length) & (rows["moment"] < moment)]


def days_before(
    rows: pd.DataFrame, day: pd.Timestamp, first: int, last: int = 1, column: str = "day"
) -> pd.DataFrame:
    """The rows on the whole days from so many days before the day to so many before it."""
    return rows[(rows[column] >= day - first * DAY) & (rows[column] <= day - last * DAY)]


def days_since_last(rows: pd.DataFrame, day: pd.Timestamp) -> float | None:
    """Days from the last day with a row to the day, which itself does not count."""
    recent = days_before(rows, day, LONGEST_LOOKBACK)
    return float((day - recent["day"].max()).days) if len(recent) else None


def hours_between(earlier: pd.Timestamp, later: pd.Timestamp) -> float:
    """Hours, with fractions."""
    return (later - earlier).total_seconds() / 3600


def kilometres_between(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Distance on the globe, by the haversine formula."""
    phi, other_phi = math.radians(latitude), math.radians(other_latitude)
    half = math.sin((other_phi - phi) / 2) ** 2
    half += (
        math.cos(phi)
        * math.cos(other_phi)
        * math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_KILOMETRES * math.asin(min(1.0, math.sqrt(half)))


def angle_of_day(moment: pd.Timestamp) -> float:
    """The time of day to the minute in radians, 24 hours being a whole turn."""
    return (moment.hour + moment.minute / 60) / 24 * 2 * math.pi


def best_fisher_concentration(resultant: float) -> float:
    """Concentration of a von Mises distribution by Best and Fisher (1981), at most 500."""
    if resultant < 0.53:
        return 2 * resultant + resultant**3 + 5 * resultant**5 / 6
    if resultant < 0.85:
        return -0.4 + 1.39 * resultant + 0.43 / (1 - resultant)
    below = resultant**3 - 4 * resultant**2 + 3 * resultant
    return min(500.0, 1 / below) if below > 0 else 500.0
