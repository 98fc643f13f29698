"""The calendar of the demo company: working days, holidays and seasons as arrays over days."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias

import holidays
import numpy as np
import numpy.typing as npt

from orchestration.demo_company.figures import GIFT_SEASON_DAYS, YEAR_END_GIFTS_FROM

Array: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Days:
    """The days of the period; every array has one entry a day, days count from the first.

    ``off`` marks weekends and Korean public holidays, ``gift_season`` the weeks before
    Chuseok, Seollal and the end of the year; ``month_end_in`` counts the days to it.
    """

    first: date
    last: date
    weekday: Array
    off: Array
    month_end_in: Array
    december: Array
    gift_season: Array

    @property
    def count(self) -> int:
        """Number of days."""
        return len(self.weekday)

    def workday_from(self, day: Array) -> Array:
        """The first working day at or after each day; ``count``, a day outside, if none is left."""
        working = np.append(np.flatnonzero(~self.off), self.count)
        following: Array = working[np.searchsorted(working, np.minimum(day, self.count))]
        return following

    def day(self, index: int) -> date:
        """The date of a day by its index."""
        return self.first + timedelta(days=int(index))

    def index(self, day: date) -> int:
        """The index of a date; negative before the period."""
        return (day - self.first).days


def period(last: date, months: int) -> Days:
    """The calendar of the months that end on the day ``last``."""
    after = last + timedelta(days=1)
    year, month = divmod(after.year * 12 + after.month - 1 - months, 12)
    first = date(year, month + 1, min(after.day, 28))
    dates = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    # One more month, because a holiday just after the period opens its season inside it.
    years = range(first.year, (last + timedelta(days=31)).year + 1)
    public = holidays.country_holidays("KR", years=years, language="ko")
    feasts = [d for d, names in public.items() if {"추석", "설날"} & set(names.split("; "))]
    weekday = np.array([d.weekday() for d in dates])
    off = (weekday >= 5) | np.array([d in public for d in dates])
    season = [
        any(0 < (feast - d).days <= GIFT_SEASON_DAYS for feast in feasts)
        or (d.month == 12 and d.day >= YEAR_END_GIFTS_FROM)
        for d in dates
    ]
    return Days(
        first=first,
        last=last,
        weekday=weekday,
        off=off,
        month_end_in=np.array([_days_to_month_end(d) for d in dates]),
        december=np.array([d.month == 12 for d in dates]),
        gift_season=np.array(season),
    )


def _days_to_month_end(day: date) -> int:
    next_month = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (next_month - day).days - 1
