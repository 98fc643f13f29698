"""What files of the card networks share: counted records, stated totals, minor units."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NoReturn

import pyarrow as pa

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import project_root
from orchestration.landing.card_numbers import masked
from orchestration.landing.formats.content import Content
from orchestration.landing.pieces import PIECE, BrokenLine, Piece, is_unicode, table

Record = Sequence[str | None]


class UnreadableError(Exception):
    """One record that cannot be read, for this reason; the others can."""


@dataclass
class Gathered:
    """Records and broken lines until there are enough of them for a piece."""

    width: int
    # One after the other: a tuple kept for each record would be one more for the garbage collector.
    values: list[str | None] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    broken: list[BrokenLine] = field(default_factory=list)

    def add(self, line: int, record: Record) -> None:
        """Keep a record."""
        self.values += record
        self.lines.append(line)

    def take(self, line: int, values: Sequence[str], convert: Callable[..., Record]) -> None:
        """Keep the record that these values convert to, or the reason why they do not."""
        try:
            if not is_unicode("".join(values)):
                raise UnreadableError("not text in the file's encoding")
            self.add(line, convert(*values))
        except UnreadableError as problem:
            self.reject(line, str(problem), " | ".join(values))

    def reject(self, line: int, reason: str, text: str) -> None:
        """Keep a record that cannot be read, masked."""
        shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        self.broken.append(BrokenLine(line, reason, masked(shown.rstrip())))

    @property
    def is_full(self) -> bool:
        """Whether there is enough for a piece."""
        return len(self.lines) >= PIECE or len(self.broken) >= PIECE

    def piece(self) -> Piece:
        """Give away what was gathered, which may be nothing."""
        columns = [pa.array(self.values[at :: self.width], pa.string()) for at in range(self.width)]
        piece = Piece(table(columns, self.lines), self.broken)
        self.values, self.lines, self.broken = [], [], []
        return piece


def refuse(content: Content, what: str) -> NoReturn:
    """Stop: the file as a whole cannot be trusted."""
    raise CardwatchError(f"{content.path} {what}; nothing of it was loaded, have it sent again")


def agree(content: Content, what: str, stated: int, found: int | Sequence[int]) -> None:
    """Refuse a file whose trailer states something else than was read.

    Where `found` has several figures, networks and issuers differ in which one they state.
    """
    known = (found,) if isinstance(found, int) else tuple(dict.fromkeys(found))
    if stated not in known:
        read = " or ".join(str(figure) for figure in known)
        refuse(content, f"states {what} of {stated} in its trailer, but {read} was read")


def number(content: Content, what: str, text: str) -> int:
    """A whole number of a header or trailer."""
    digits = text.strip()
    unsigned = digits[1:] if digits[:1] in ("+", "-") else digits
    if not (unsigned.isascii() and unsigned.isdigit()):
        refuse(content, f"has {digits!r} where its trailer states {what}")
    return int(digits)


@cache
def currencies() -> dict[str, tuple[str, int]]:
    """Alphabetic code and digits of the minor unit by numeric code, both of ISO 4217."""
    with (project_root() / "seeds" / "iso_currencies.csv").open(encoding="utf-8") as stream:
        return {
            row["numeric_code"]: (row["currency"], int(row["minor_digits"]))
            for row in csv.DictReader(stream)
        }


def decimal_text(digits: str, exponent: int, negative: bool) -> str:
    """An amount with implied decimals as text with a point: ("0012474", 2, False) is "124.74"."""
    if not (digits.isascii() and digits.isdigit()):
        raise UnreadableError(f"the amount {masked(digits.strip())!r} is not digits")
    whole = digits.lstrip("0")
    if exponent:
        whole = whole.rjust(exponent + 1, "0")
        whole = f"{whole[:-exponent]}.{whole[-exponent:]}"
    return f"-{whole}" if negative else whole or "0"


def currency_of(code: str) -> tuple[str, int]:
    """Alphabetic code and digits of the minor unit of a numeric currency, however it is padded."""
    known = currencies().get(code.strip().lstrip("0").rjust(3, "0"))
    if known is None:
        raise UnreadableError(
            f"the currency {masked(code.strip())!r} is no numeric code of ISO 4217"
        )
    return known
