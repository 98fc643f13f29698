"""How a source writes its files, as `config.meta.format` of a feed's yml declares it.

What is not declared is found out where the file leaves no doubt, and refused where it does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from orchestration.engine.errors import CardwatchError

KINDS = (
    "delimited",
    "fixed",
    "json_lines",
    "parquet",
    "workbook",
    "html",
    "vcf4",
    "cdf3",
    "gl1025",
)

# Formats of card networks: their files state their own counts and sums, and their readers write
# amounts with a point and a sign.
NETWORKS = ("vcf4", "cdf3", "gl1025")

SIGNS = ("purchases_positive", "purchases_negative")

ORDERS = ("day/month/year", "month/day/year", "year/month/day")

_PATTERN = re.compile(
    r"(?:[^%]|%-?[aAbBdfHIjmMpSTyYDF%])*%-?[a-zA-Z](?:[^%]|%-?[aAbBdfHIjmMpSTyYDF%])*"
)

_CHOICES: dict[str, tuple[str, ...]] = {"kind": KINDS, "sign": SIGNS}


@dataclass(frozen=True)
class Layout:
    """What a source declares of its files; the fields are the keys of `meta.format`.

    kind: one of KINDS; by the file's name where it is not declared.
    encoding: a name that Python knows, such as cp949; found out where it is not declared.
    delimiter: what stands between two values of a delimited file.
    header_line: number of the (first) header line, or row of a sheet, from 1.
    header_lines: over how many lines the names go; the names below each other are joined.
    sheet: name of a workbook's sheet; its only sheet with rows where it is not declared.
    totals: words that begin a line of totals, which is no row of data.
    dates: order of a date's parts ("day/month/year", "month/day/year", "year/month/day"), or a
        pattern of strftime such as %d.%m.%y, also with a time; ISO dates are always read.
    times: pattern of a time in a column of its own.
    decimal, thousands: signs of a number; without them only what has one reading is read.
    sign: whether a purchase is positive (and a refund negative), or the other way round, which
        turns every amount of the feed; without it a file of mostly negative amounts is refused.
    nulls: words that stand for "nothing here", beside a blank.
    """

    kind: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    header_line: int | None = None
    header_lines: int = 1
    sheet: str | None = None
    totals: tuple[str, ...] = ()
    dates: str | None = None
    times: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    sign: str | None = None
    nulls: tuple[str, ...] = ()


def layout(path: Path, feed: str, declared: Mapping[str, Any]) -> Layout:
    """Read `meta.format` of a feed; CardwatchError names what is not understood."""
    known = {field.name: field for field in fields(Layout)}
    values: dict[str, Any] = {}
    for name, value in declared.items():
        if name not in known:
            raise CardwatchError(
                f"{path} gives {feed} the format setting {name!r}; use one of: {', '.join(known)}"
            )
        wanted: type = type(known[name].default) if known[name].default is not None else str
        if name in ("header_line", "header_lines"):
            wanted = int
        if wanted is tuple:
            value = tuple(value) if isinstance(value, list) else value
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise CardwatchError(
                f"{path} gives the format setting {name} of {feed} the value {value!r}; "
                f"write {_WRITTEN[wanted]}"
            )
        if name in _CHOICES and value not in _CHOICES[name]:
            raise CardwatchError(
                f"{path} gives the format setting {name} of {feed} the value {value!r}; "
                f"use one of: {', '.join(_CHOICES[name])}"
            )
        if name in ("dates", "times") and not _is_time_setting(name, value):
            raise CardwatchError(
                f"{path} gives the format setting {name} of {feed} the value {value!r}; write "
                f"{', '.join(ORDERS) + ', or ' if name == 'dates' else ''}a pattern such as "
                f"{'%d.%m.%Y' if name == 'dates' else '%H%M%S'}"
            )
        values[name] = value
    return Layout(**values)


def _is_time_setting(name: str, value: object) -> bool:
    return (name == "dates" and value in ORDERS) or _PATTERN.fullmatch(str(value)) is not None


_WRITTEN: dict[type, str] = {
    str: "a text in quotes",
    int: "a whole number",
    tuple: "a list of texts in brackets",
}
