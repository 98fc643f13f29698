"""What names a row of an export: an identifier, else few columns together, else its line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from orchestration.landing.feeds import LINE

# What may name a purchase, the best first. Without an identifier or a clock it is no name: the
# same purchase twice on a day is what a reviewer wants to see, and is not to be taken for one.
_NAMES = ("transaction_id", "approval_no")
_TOGETHER = (
    *("card_id", "authorized_at", "amount", "merchant_name", "merchant_id", "employee_id"),
    "authorized_time",
)
_MOST_TOGETHER = 4

# What two rows under one key say differently where they are two purchases.
_SAID = ("authorized_at", "merchant_name", "merchant_id")

# Identifiers that a spreadsheet rounded name many rows at once.
_ROUNDED = re.compile(r"\d(\.\d+)?[eE][+-]?\d+")


@dataclass(frozen=True)
class Key:
    """The columns that name a row, and for how long: always, or within its file."""

    columns: tuple[str, ...]
    holds: str


def find_key(files: Sequence[Mapping[str, Sequence[str]]], has_time: bool) -> Key:
    """Find the smallest set of columns that names each row of the files.

    files: of each file the values by column, one a row; has_time: the rows have a time of day.
    """
    columns = [name for name in (*_NAMES, *_TOGETHER) if name in files[0]]
    for name in _NAMES:
        if name not in columns or any(is_rounded(file[name]) for file in files):
            continue
        others = [other for other in columns if other != name and other not in _NAMES]
        for size in range(_MOST_TOGETHER):
            for more in combinations(others, size):
                if key := _key(files, (name, *more)):
                    return key
    if has_time:
        clock = ("authorized_at", *(("authorized_time",) if "authorized_time" in columns else ()))
        others = [other for other in columns if other not in (*clock, *_NAMES)]
        for size in range(1, _MOST_TOGETHER):
            for more in combinations(others, size):
                key = _key(files, (*clock, *more))
                if key and key.holds == "always":
                    return key
    return Key((LINE,), "file")


def _key(files: Sequence[Mapping[str, Sequence[str]]], columns: tuple[str, ...]) -> Key | None:
    seen: dict[tuple[str, ...], tuple[str, ...]] = {}
    restarts = False
    for file in files:
        keys = list(zip(*(file[name] for name in columns), strict=True))
        said = [file[name] for name in _SAID if name in file]
        own = dict(zip(keys, zip(*said, strict=True), strict=True))
        if len(own) < len(keys) or any(not key[0] for key in own):
            return None
        # a row that is sent again says the same; another row under its key is another purchase
        restarts = restarts or any(seen[key] != own[key] for key in seen.keys() & own.keys())
        seen |= own
    return Key(columns, "file" if restarts else "always")


def is_rounded(values: Sequence[str]) -> bool:
    """Whether a spreadsheet made numbers such as 1.23457E+14 of the identifiers."""
    return any(_ROUNDED.fullmatch(value.strip()) for value in values)
