"""Visa VCF 4: sets of blocks of tab-separated records, each block with its count and sum.

The first field of a line says what it is: 6 and 7 enclose a set, 8 and 9 a block in it, and the
records of a block have its type. A feed is one type of block.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import Feed
from orchestration.landing.formats.content import Content
from orchestration.landing.formats.records import (
    Gathered,
    Record,
    UnreadableError,
    agree,
    currency_of,
    decimal_text,
    number,
    refuse,
)
from orchestration.landing.pieces import Piece, Rows

# The type of block that a feed is, and its columns: field number (from 1) and name.
# The addendum key (39) is not among them: a card number stands in its middle.
_FIELDS: dict[str, tuple[str, dict[int, str]]] = {
    "transactions": (
        "05",
        {
            2: "account_number",
            3: "posting_date",
            4: "transaction_reference",
            5: "sequence_number",
            8: "card_acceptor_id",
            9: "supplier_name",
            10: "supplier_city",
            12: "supplier_country",
            14: "source_amount",
            15: "billing_amount",
            16: "source_currency",
            17: "mcc",
            18: "transaction_type",
            19: "transaction_date",
            20: "billing_currency",
            21: "tax_amount",
            49: "authorization_number",
        },
    ),
    "cards": (
        "03",
        {2: "cardholder_id", 3: "account_number", 5: "effective_date", 7: "closed_date"},
    ),
}

# The load codes of a record: load, insert, change; a deletion is not among them.
_RECORD_CODES = frozenset("0134")

_CREDITS = frozenset(("11", "30", "31", "61", "63", "65", "71", "73"))
_DEBITS = frozenset(
    ("10", "20", "22", "40", "50", "52", "54", "56", "62", "64", "66", "80", "82", "84", "86", "88")
)

_HEADER_FIELDS = 8


@dataclass
class _Block:
    """A block, or the set of blocks around it, that is open: what was read of it so far."""

    kind: str
    line: int
    records: int = 0
    debits: int = 0
    credits: int = 0
    sum_known: bool = True

    def __str__(self) -> str:
        what = "set" if self.kind == "set" else f"block of type {self.kind}"
        return f"{what} that begins on line {self.line}"

    def add(self, fields: list[str]) -> None:
        """Add a transaction's amount; where it cannot be read, the sum is not known."""
        amount, kind = (fields[14].strip(), fields[17].strip()) if len(fields) > 17 else ("", "")
        if not (amount.isascii() and amount.isdigit()) or kind not in _CREDITS | _DEBITS:
            self.sum_known = False
        elif kind in _CREDITS:
            self.credits += int(amount)
        else:
            self.debits += int(amount)

    def include(self, block: "_Block") -> None:
        """Add a block to its set, which counts the block's own header and trailer as well."""
        self.records += block.records + 2
        self.debits += block.debits
        self.credits += block.credits
        self.sum_known = self.sum_known and block.sum_known


def open_vcf4(content: Content, feed: Feed) -> Rows:
    """Rows of one type of block; CardwatchError where the feed or the file is none of VCF 4."""
    if feed.feed not in _FIELDS:
        raise CardwatchError(
            f"a VCF 4 file has no feed {feed.feed!r}; use one of: {', '.join(_FIELDS)}"
        )
    kind, names = _FIELDS[feed.feed]
    start = content.sample(4096).removeprefix(b"\xef\xbb\xbf").split(b"\n")[0].split(b"\t")
    if start[0] != b"6" or len(start) < _HEADER_FIELDS:
        refuse(content, "does not begin with the header of a VCF set (load code 6, tabs between)")
    return Rows(tuple(names.values()), lambda: _pieces(content, feed, kind))


def _pieces(content: Content, feed: Feed, kind: str) -> Iterator[Piece]:
    names = _FIELDS[feed.feed][1]
    picked = itemgetter(*(place - 1 for place in names))
    convert: Callable[..., Record] = _transaction if kind == "05" else _card
    gathered = Gathered(len(names))
    with content.open() as stream:
        encoding = feed.layout.encoding or "utf-8-sig"
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="\n")
        for line, record in _records(content, text, kind):
            if len(record) < max(names):
                reason = f"{len(record)} fields instead of at least {max(names)}"
                gathered.reject(line, reason, "\t".join(record))
            else:
                gathered.take(line, [field.strip() for field in picked(record)], convert)
            if gathered.is_full:
                yield gathered.piece()
    yield gathered.piece()


def _records(
    content: Content, text: io.TextIOWrapper, kind: str
) -> Iterator[tuple[int, list[str]]]:
    """Records of one type of block with their lines, while every block and set is checked."""
    block: _Block | None = None
    enclosing: _Block | None = None
    line = 0
    for line, record in enumerate(text, start=1):
        fields = record.rstrip("\r\n").split("\t")
        code = fields[0].strip()
        if not code and not record.strip("\t\r\n \x1a"):
            continue
        if code == "6" and not enclosing:
            _check_version(content, fields)
            enclosing = _Block("set", line)
        elif not enclosing:
            refuse(content, f"has load code {code[:9]!r} outside of a set, on line {line}")
        elif code in _RECORD_CODES and block:
            block.records += 1
            if block.kind == "05":
                block.add(fields)
            if block.kind == kind:
                yield line, fields
        elif code == "8" and not block:
            block = _Block(_field(content, fields, 5, line), line)
        elif code == "9" and block:
            _check(content, fields, block, line)
            enclosing.include(block)
            block = None
        elif code == "7" and not block:
            _check(content, fields, enclosing, line)
            enclosing = None
        else:
            where = f"in the block of type {block.kind}" if block else "between blocks"
            refuse(content, f"has load code {code[:9]!r} {where}, on line {line}")
    if unclosed := block or enclosing:
        refuse(content, f"ends on line {line}, within the {unclosed}")


def _check_version(content: Content, fields: list[str]) -> None:
    version = fields[7].strip() if len(fields) >= _HEADER_FIELDS else ""
    if not version.startswith("4"):
        refuse(content, f"is of VCF version {version[:9]!r}, and only version 4 is read")


def _check(content: Content, fields: list[str], block: _Block, line: int) -> None:
    """Compare what a block's or set's trailer states with what was read."""
    kind = _field(content, fields, 5, line)
    if block.kind not in (kind, "set"):
        refuse(content, f"closes a block of type {kind} on line {line} within the {block}")
    stated = number(content, "its records", _field(content, fields, 6, line))
    agree(content, f"a number of records of the {block}", stated, block.records)
    if block.kind in ("05", "set") and block.sum_known:
        stated = number(content, "its amount", _field(content, fields, 7, line))
        # issuers differ in whether they state the net or the gross sum
        sums = (abs(block.debits - block.credits), block.debits + block.credits)
        agree(content, f"a sum of billing amounts of the {block}", stated, sums)


def _field(content: Content, fields: list[str], place: int, line: int) -> str:
    if len(fields) < place:
        refuse(content, f"has only {len(fields)} fields in the header or trailer on line {line}")
    return fields[place - 1].strip()


def _transaction(
    account: str,
    posted: str,
    reference: str,
    sequence: str,
    acceptor: str,
    supplier: str,
    city: str,
    country: str,
    source: str,
    billing: str,
    source_currency: str,
    mcc: str,
    kind: str,
    day: str,
    billing_currency: str,
    tax: str,
    authorization: str,
) -> Record:
    """Values of a transaction as ISO dates, signed decimals and alphabetic currencies."""
    if kind not in _CREDITS and kind not in _DEBITS:
        raise UnreadableError(f"the transaction type {kind!r} is neither a debit nor a credit")
    negative = kind in _CREDITS
    currency, digits = _currency(billing_currency)
    original, original_digits = _currency(source_currency) if source_currency else (None, 0)
    return (
        account,
        _day(posted),
        reference,
        sequence,
        acceptor,
        supplier,
        city,
        country[-3:] if country.strip("0") else None,
        decimal_text(source, original_digits, negative) if original else None,
        decimal_text(billing, digits, negative),
        original,
        mcc,
        kind,
        _day(day),
        currency,
        decimal_text(tax or "0", digits, negative),
        authorization,
    )


def _card(holder: str, account: str, effective: str, closed: str) -> Record:
    """Values of a card with ISO days."""
    return (holder, account, _day(effective), _day(closed))


_currency = lru_cache(currency_of)


@lru_cache(maxsize=4096)
def _day(text: str) -> str | None:
    """MMDDYYYY as an ISO day; zeros are none, and what is no day stays as it is written."""
    if len(text) != 8 or not text.isdigit():
        return text
    return f"{text[4:]}-{text[:2]}-{text[2:4]}" if text.strip("0") else None
