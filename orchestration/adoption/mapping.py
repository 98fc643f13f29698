"""Which column of a file is which column of a feed: by its header, if its values agree."""

from collections.abc import Mapping, Sequence
from datetime import date

from orchestration.adoption import amounts, dates, words
from orchestration.adoption.header import Table
from orchestration.engine.errors import CardwatchError

CARD_TRANSACTIONS = "card_transactions"

# What the values of a column must be for it to be believed.
DAYS = (
    *("authorized_at", "posted_at", "valid_from", "valid_to", "hired_on", "left_on"),
    *("submitted_at", "approved_at", "starts_at", "ends_at"),
)
MONEY = (
    *("amount", "debit_amount", "credit_amount", "original_amount", "tax_amount"),
    *("single_limit", "monthly_limit"),
)
_NUMBERS = (*MONEY, "latitude", "longitude", "attendees")
_CODES = {
    "mcc": r"\d{3,4}(\.0)?",
    "currency": r"[A-Za-z]{3}|\d{3}",
    "original_currency": r"[A-Za-z]{3}|\d{3}",
    "debit_or_credit": r"(?i)d|c|dr|cr|debit|credit",
    "status": r"(?i)approved|declined|reversed|posted|settled|completed|cancell?ed|"
    r"승인|정상|취소|승인취소|거절|매입|부분취소",
}
_FEW = 0.5

# A column of which more is blank is not the one that every purchase must have.
_MOST_BLANK = 0.05
_FILLED = ("authorized_at", "amount", "card_id")

# What is known by its values alone, where no header says it.
_BY_VALUES = ("authorized_at", "amount", "merchant_name")


def map_columns(
    tables: Sequence[Table], feed: str, today: date, given: Mapping[str, str] | None = None
) -> dict[str, int]:
    """Give each column of the feed that the file has its place in the file, from 0.

    given: header names that a person chose, by column. Values contradict a name where they are
    no days, numbers or codes. Raises CardwatchError for a given name that the file has not.
    """
    names = tables[0].names
    places = _given(names, given or {})
    taken = set(places.values())
    ranked = sorted(
        (match, place) for place, name in enumerate(names) for match in words.matches(feed, name)
    )
    for match, place in ranked:
        free = match.column not in places and place not in taken and match.column != words.NOTHING
        values = [table.values(place) for table in tables]
        filled = match.column not in _FILLED or _are_filled(tables, values)
        if free and filled and _agree(match.column, values, today):
            places[match.column] = place
            taken.add(place)
    if feed == CARD_TRANSACTIONS:
        for column in _BY_VALUES:
            if column not in places and not (column == "amount" and "debit_amount" in places):
                candidates = _looking_like(column, tables, taken, today)
                if len(candidates) == 1:
                    places[column] = candidates[0]
                    taken.add(candidates[0])
        # A file with one day alone has the day of purchase, whatever its header calls it.
        if "authorized_at" not in places and "posted_at" in places:
            places["authorized_at"] = places.pop("posted_at")
    return places


def _given(names: Sequence[str], given: Mapping[str, str]) -> dict[str, int]:
    places = {}
    spelled = [words.plain(name) for name in names]
    for column, name in given.items():
        if not name:
            continue
        exact = [place for place, header in enumerate(names) if header.strip() == name]
        alike = [place for place, header in enumerate(spelled) if header == words.plain(name)]
        found = exact or alike
        if len(found) != 1:
            raise CardwatchError(
                f"--column {column}={name} names no one column of the file; "
                f"it has: {', '.join(names)}"
            )
        places[column] = found[0]
    return places


def _agree(column: str, files: Sequence[Sequence[str]], today: date) -> bool:
    """Whether the values of a column, file by file, can be what its name says."""
    values = [value for file in files for value in file]
    if not values:
        return False
    if column in DAYS:
        return dates.look_at_dates(values, today) is not None
    if column == "authorized_time":
        return all(dates.is_clock(value) for value in values[:1000])
    if column in _NUMBERS:
        return amounts.look_at_amounts(values) is not None
    if pattern := _CODES.get(column):
        return amounts.is_code(values, pattern)
    if column == "card_id":
        # one word in every row is a kind of card, not a card
        return len(set(values)) > 1 or any(digit.isdigit() for digit in values[0])
    if column == "transaction_id":
        # a number of a document may stand for several purchases, one of an account for all
        return all(len(set(file)) > _FEW * len(file) for file in files if file)
    if column in ("merchant_name", "merchant_id", "category"):
        return dates.look_at_dates(values, today) is None
    return True


def _are_filled(tables: Sequence[Table], values: Sequence[Sequence[str]]) -> bool:
    rows = sum(len(table.rows) for table in tables)
    return sum(map(len, values)) >= (1 - _MOST_BLANK) * rows


def _looking_like(column: str, tables: Sequence[Table], taken: set[int], today: date) -> list[int]:
    """Columns of the file without a name that is known whose values can be only this one."""
    found = []
    for place, name in enumerate(tables[0].names):
        values = [value for table in tables for value in table.values(place)]
        if place in taken or not values or words.knows(CARD_TRANSACTIONS, name):
            continue
        is_day = dates.look_at_dates(values, today) is not None
        numbers = None if is_day else amounts.look_at_amounts(values)
        letters = sum(any(letter.isalpha() for letter in value) for value in values)
        fits = {
            "authorized_at": is_day,
            "amount": numbers is not None and any("." in v or "," in v for v in values),
            "merchant_name": not is_day and numbers is None and letters > _FEW * len(values),
        }
        if fits[column]:
            found.append(place)
    return found
