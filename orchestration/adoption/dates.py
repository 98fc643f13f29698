"""In which order the parts of dates stand: proved by the values, or left open, never guessed."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

ORDERS = ("year/month/day", "day/month/year", "month/day/year")

# Days that a purchase may plausibly have, as landing sees it.
FIRST_DAY = date(1990, 1, 1)
DAYS_AHEAD = timedelta(days=3)

#: What share of a column's values must be dates for it to be a column of dates.
MOST = 0.9

_TIME = r"(?P<time>[ T]+\d{1,2}:\d{2}(?P<seconds>:\d{2}(?P<part>\.\d+)?)?(?P<half> ?[AaPp][Mm])?)?"
_NUMBERS = re.compile(
    r"(?P<a>\d{1,4})(?P<gap>[./-] ?)(?P<b>\d{1,2})(?P<second_gap>[./-] ?)(?P<c>\d{1,4})\.?" + _TIME
)
_COMPACT = re.compile(r"(?P<digits>\d{8})(?P<clock>\d{6})?")
_NAMED = re.compile(
    r"(?P<a>\d{1,2})(?P<gap>[ -])(?P<name>[A-Za-z]{3,9})(?P=gap)(?P<c>\d{4}|\d{2})" + _TIME
)
_NAME_FIRST = re.compile(r"(?P<name>[A-Za-z]{3,9}) (?P<a>\d{1,2}), ?(?P<c>\d{4})" + _TIME)
_KOREAN = re.compile(r"(?P<c>\d{4})년 ?(?P<b>\d{1,2})월 ?(?P<a>\d{1,2})일" + _TIME)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):?[0-5]\d(:?[0-5]\d)?(\.\d+)?")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Shape:
    """How a text writes a date, without saying which part is which.

    parts: its numbers from left to right; orders: those that this text allows. is_certain: landing
    reads it without a word. pattern: for `format.dates` where an order does not say enough; its
    first two places are {0} and {1} where they may be day and month or month and day.
    """

    parts: tuple[int, int, int]
    orders: tuple[str, ...]
    has_clock: bool
    is_midnight: bool
    is_certain: bool = False
    pattern: str | None = None


@dataclass(frozen=True)
class Dates:
    """What a column of dates shows.

    orders: those under which (nearly) every value is a plausible day; one of them means proved.
    forms: for each order what `format.dates` must be, None where landing needs no word.
    share: what share of the values are dates at all; has_time: some have a time of day.
    """

    orders: tuple[str, ...]
    forms: dict[str, str | None]
    share: float
    has_time: bool
    examples: tuple[str, ...]


def look_at_dates(values: Iterable[str], today: date) -> Dates | None:
    """Find the orders that a column's non-blank values allow; None where it holds no dates."""
    counts = Counter(value.strip() for value in values)
    total = counts.total()
    shapes = {text: shape for text in counts if (shape := shape_of(text))}
    known = sum(counts[text] for text in shapes)
    if not known or known < MOST * total:
        return None
    wrong = {
        order: sum(
            counts[text] for text, shape in shapes.items() if not _is_plausible(shape, order, today)
        )
        for order in ORDERS
    }
    # A slip of one row does not disprove an order, a slip of many does.
    least = min(wrong.values())
    orders = tuple(order for order in ORDERS if wrong[order] == least)
    if least > (1 - MOST) * known:
        return None
    return Dates(
        orders,
        {order: _form(list(shapes.values()), order) for order in orders},
        known / total,
        any(shape.has_clock for shape in shapes.values())
        and not all(shape.is_midnight for shape in shapes.values()),
        tuple(text for text, _ in counts.most_common(3)),
    )


def shape_of(text: str) -> Shape | None:
    """Take a text apart as a date; None where it is none."""
    text = text.strip()
    if found := _COMPACT.fullmatch(text):
        return _compact(found)
    if found := _NUMBERS.fullmatch(text):
        a, c = found["a"], found["c"]
        if len(a) == 4:
            orders: tuple[str, ...] = ORDERS[:1]
        elif len(a) > 2 or len(c) == 3:
            return None
        else:
            orders = ORDERS[1:] if len(c) == 4 or len(a) == 1 else ORDERS
        parts = (int(a), int(found["b"]), int(c))
        return _shape(parts, orders, found["time"], is_certain=len(a) == 4)
    if found := _NAMED.fullmatch(text) or _NAME_FIRST.fullmatch(text):
        month = found["name"].lower()
        if month[:3] not in _MONTHS:
            return None
        parts = (int(found["a"]), _MONTHS.index(month[:3]) + 1, int(found["c"]))
        if len(found["c"]) == 4:
            return _shape(parts, ORDERS[1:2], found["time"], is_certain=True)
        name = "%b" if len(month) == 3 else "%B"
        clock = "" if found["time"] is None else " %H:%M:%S" if found["seconds"] else " %H:%M"
        pattern = f"%d{found['gap']}{name}{found['gap']}%y{clock}"
        return _shape(parts, ORDERS[1:2], found["time"], pattern=pattern)
    if found := _KOREAN.fullmatch(text):
        parts = (int(found["c"]), int(found["b"]), int(found["a"]))
        return _shape(parts, ORDERS[:1], found["time"], is_certain=True)
    return None


def is_clock(text: str) -> bool:
    """Whether a text is a time of day of its own, such as 18:05, 180500 or 18:05:00."""
    return bool(_CLOCK.fullmatch(text.strip()))


def clock_pattern(values: Iterable[str]) -> str:
    """Write how a column of times of day is written, as a strftime pattern."""
    longest = max((value.strip() for value in values), key=len, default="")
    if ":" in longest:
        return "%H:%M:%S" if longest.count(":") == 2 else "%H:%M"
    return "%H%M%S" if len(longest) == 6 else "%H%M"


def _compact(found: re.Match[str]) -> Shape | None:
    digits, clock = found["digits"], found["clock"]
    # Eight digits that begin like a year of ours are year first; so Koreans and banks write them.
    if digits[:2] in ("19", "20"):
        parts = (int(digits[:4]), int(digits[4:6]), int(digits[6:]))
        return _shape(parts, ORDERS[:1], clock, is_certain=True)
    parts = (int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    pattern = "{0}{1}%Y" + ("%H%M%S" if clock else "")
    return _shape(parts, ORDERS[1:], clock, pattern=pattern)


def _shape(
    parts: tuple[int, int, int],
    orders: tuple[str, ...],
    time: str | None,
    is_certain: bool = False,
    pattern: str | None = None,
) -> Shape | None:
    """The shape, if its parts are a day under any of the orders."""
    digits = re.sub(r"^[ T]+12(?=.* ?[Aa][Mm])", "", time or "")
    is_midnight = time is not None and not re.search("[1-9]", digits)
    shape = Shape(parts, orders, time is not None, is_midnight, is_certain, pattern)
    return shape if any(_day(_turned(shape, order)) for order in orders) else None


def _turned(shape: Shape, order: str) -> tuple[int, int, int]:
    """Year, month and day of a shape under an order; two digits of a year are of this century."""
    a, b, c = shape.parts
    year, month, day = {"y": (a, b, c), "d": (c, b, a), "m": (c, a, b)}[order[0]]
    return (year + 2000 if year < 100 else year), month, day


def _day(parts: tuple[int, int, int]) -> date | None:
    try:
        return date(*parts)
    except ValueError:
        return None


def _is_plausible(shape: Shape, order: str, today: date) -> bool:
    if order not in shape.orders:
        return False
    day = _day(_turned(shape, order))
    return day is not None and FIRST_DAY <= day <= today + DAYS_AHEAD


def _form(shapes: Sequence[Shape], order: str) -> str | None:
    """What `format.dates` says of these shapes: nothing, an order, or a pattern."""
    patterns = Counter(shape.pattern for shape in shapes if order in shape.orders)
    pattern = patterns.most_common(1)[0][0] if patterns else None
    if pattern:
        return pattern.format(*(("%d", "%m") if order[0] == "d" else ("%m", "%d")))
    return None if all(shape.is_certain for shape in shapes) else order
