"""What a header may call a column, in English and Korean: column_words.csv, to be extended."""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: The word list, beside this module.
WORDS = Path(__file__).parent / "column_words.csv"

#: Columns of this name are nothing that Cardwatch reads, such as a balance.
NOTHING = "none"

_UNIT = re.compile(r"[(\[（][^)\]）]*[)\]）]")
_NO_WORD = re.compile(r"[\W_]+")
_BORDER = re.compile(r"(?<=[a-z])(?=[A-Z])")


# Words of one meaning, as headers shorten them.
_SHORT = {
    "amt": "amount",
    "acct": "account",
    "auth": "authorization",
    "authorisation": "authorization",
    "ccy": "currency",
    "centre": "center",
    "cur": "currency",
    "dept": "department",
    "desc": "description",
    "nbr": "number",
    "no": "number",
    "num": "number",
    "organisation": "organization",
    "organisational": "organizational",
    "ref": "reference",
    "tran": "transaction",
    "trans": "transaction",
    "txn": "transaction",
}


@dataclass(frozen=True, order=True)
class Match:
    """How well a header says a column; the smaller, the better.

    kind: 0 where it is the very word, 1 where it holds it. place: of the word in the column's list.
    """

    kind: int
    place: int
    column: str


def plain(header: str) -> str:
    """A header without what does not tell it from others: case, units in brackets, marks."""
    text = unicodedata.normalize("NFKC", _BORDER.sub(" ", header))
    without_units = _NO_WORD.sub(" ", _UNIT.sub(" ", text)).strip()
    words = (without_units or _NO_WORD.sub(" ", text).strip()).lower().split()
    return " ".join(_SHORT.get(word, word) for word in words)


@cache
def _columns_of(feed: str) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """For each word of a feed every column that lists it: "posted date" may be two."""
    found: dict[str, list[tuple[str, int]]] = {}
    places: dict[str, int] = {}
    with WORDS.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["feed"] == feed:
                place = places[row["column"]] = places.get(row["column"], -1) + 1
                found.setdefault(plain(row["word"]), []).append((row["column"], place))
    for column in places:
        found.setdefault(plain(column), []).append((column, -1))
    return {word: tuple(columns) for word, columns in found.items()}


def matches(feed: str, header: str) -> list[Match]:
    """Every column that a header may mean, best first; a header of NOTHING means none."""
    name = plain(header)
    known = _columns_of(feed)
    exact = [Match(0, place, column) for column, place in known.get(name, ())]
    if exact:
        return sorted(exact)
    held = [
        (word, column, place)
        for word, columns in known.items()
        if _holds(name, word)
        for column, place in columns
    ]
    if any(column == NOTHING for _, column, _ in held):
        return []
    return sorted(Match(1, place, column) for _, column, place in held)


def knows(feed: str, header: str) -> bool:
    """Whether a text is a header of the feed: the very word, or one that holds it."""
    return bool(matches(feed, header)) or plain(header) in _columns_of(feed)


def _holds(name: str, word: str) -> bool:
    """Whether a header holds a word as a whole; Korean writes words together."""
    if word.isascii():
        return len(word) > 2 and f" {word} " in f" {name} "
    return len(word) > 1 and word.replace(" ", "") in name.replace(" ", "")
