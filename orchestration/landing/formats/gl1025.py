"""American Express GL1025: records of fixed positions, a summary a market, totals in the trailer.

The first character of a line says what it is: 0 and 9 enclose the file, 8 begins a market and
states its totals, 1 is a transaction, 2 the summary of a card member.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

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

_TRANSACTIONS = "transactions"

# Places from 0. Header and trailer are alike.
_REPORT, _VERSION = slice(27, 33), slice(60, 62)
_FILE_RECORDS, _FILE_TOTAL, _FILE_TRANSACTIONS = slice(77, 92), slice(98, 114), slice(138, 153)
_MARKET_RECORDS, _MARKET_CURRENCY, _MARKET_TOTAL = slice(26, 36), slice(39, 42), slice(52, 68)
_MARKET_TOTAL_OF_FILE, _MARKET_TRANSACTIONS = slice(84, 100), slice(149, 164)

# Columns of a transaction: first place, from 1, and length.
_COLUMNS = {
    "originating_account": (183, 20),
    "billing_account": (208, 20),
    "business_date": (574, 8),
    "charge_date": (589, 10),
    "transaction_id": (632, 50),
    "sign": (737, 1),
    "billed_amount": (738, 15),
    # of the billed amount alone, and one digit: the place before it belongs to the tax
    "billed_decimals": (769, 1),
    "billed_currency": (770, 3),
    "local_amount": (812, 15),
    "local_currency": (859, 3),
    "industry_code": (905, 2),
    "description_1": (947, 45),
    "description_2": (992, 45),
    "mcc": (1678, 4),
    "establishment_number": (1828, 10),
    "brand_name": (1868, 30),
    "establishment_name": (1914, 40),
}
_SLICES = [slice(first - 1, first - 1 + length) for first, length in _COLUMNS.values()]
_NAMES = tuple(name for name in _COLUMNS if name not in ("sign", "billed_decimals"))
_SIGN, _AMOUNT, _CURRENCY = (
    _SLICES[list(_COLUMNS).index(name)] for name in ("sign", "billed_amount", "billed_currency")
)
_LEAST_LENGTH = _COLUMNS["mcc"][0] + _COLUMNS["mcc"][1] - 1


@dataclass
class _Market:
    """What a market's summary states, and what was read of the market so far."""

    line: int
    summary: str
    currency: str
    records: int = 0
    transactions: int = 0
    total: int = 0
    total_known: bool = True

    def add(self, line: str) -> None:
        """Add a transaction; where its amount is no number or of another currency, no total."""
        self.transactions += 1
        digits, sign = line[_AMOUNT], line[_SIGN]
        if digits.isascii() and digits.isdigit() and sign in ("+", "-"):
            self.total += int(digits) if sign == "+" else -int(digits)
        else:
            self.total_known = False
        if line[_CURRENCY] != self.currency:
            self.total_known = False


def open_gl1025(content: Content, feed: Feed) -> Rows:
    """Transactions of a file; CardwatchError where the feed or the file is none of GL1025."""
    if feed.feed != _TRANSACTIONS:
        raise CardwatchError(f"a GL1025 file has no feed {feed.feed!r}; use: {_TRANSACTIONS}")
    start = content.sample(4096).decode("latin-1").split("\n")[0]
    if not start.startswith("0") or start[_REPORT] != "GL1025":
        refuse(content, "does not begin with the header of a GL1025 file")
    return Rows(_NAMES, lambda: _pieces(content, feed))


def _pieces(content: Content, feed: Feed) -> Iterator[Piece]:
    gathered = Gathered(len(_NAMES))
    with content.open() as stream:
        # one byte a character: positions count bytes, and names are not always UTF-8
        encoding = feed.layout.encoding or "latin-1"
        text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="\n")
        for line, record in _transactions(content, text):
            if len(record) < _LEAST_LENGTH:
                gathered.reject(line, f"{len(record)} characters, and the MCC is beyond", record)
            else:
                gathered.take(line, [record[place].strip() for place in _SLICES], _transaction)
            if gathered.is_full:
                yield gathered.piece()
    yield gathered.piece()


def _transactions(content: Content, text: io.TextIOWrapper) -> Iterator[tuple[int, str]]:
    """Transactions with their lines, while every market and the whole file are checked."""
    market: _Market | None = None
    markets: list[_Market] = []
    opened = closed = False
    line = 0
    for line, ended in enumerate(text, start=1):
        record = ended.rstrip("\r\n")
        code = record[:1]
        if not record.strip("\x1a \0"):
            continue
        if closed or (code == "0") == opened:
            refuse(content, f"has a record of type {code!r} outside of the file, on line {line}")
        if code == "1" and market:
            market.records += 1
            market.add(record)
            yield line, record
        elif code == "2" and market:
            market.records += 1
        elif code == "8":
            _check_market(content, market)
            market = _Market(line, record, record[_MARKET_CURRENCY])
            markets.append(market)
        elif code == "0":
            opened = True
        elif code == "9":
            _check_market(content, market)
            _check_file(content, record, markets)
            closed = True
        else:
            refuse(content, f"has a record of type {code!r} on line {line}, before any market")
    if not closed:
        refuse(content, f"ends on line {line} without its trailer (record type 9)")


def _check_market(content: Content, market: _Market | None) -> None:
    """Compare what the summary of the market that ends here states with what was read."""
    if not market:
        return
    what = f"of the market that begins on line {market.line}"
    stated = number(content, "records", market.summary[_MARKET_RECORDS])
    agree(content, f"a number of records {what}", stated, market.records)
    stated = number(content, "transactions", market.summary[_MARKET_TRANSACTIONS])
    agree(content, f"a number of transactions {what}", stated, market.transactions)
    if market.total_known:
        stated = number(content, "its amount", market.summary[_MARKET_TOTAL])
        agree(content, f"a sum of billed amounts {what}", stated, market.total)


def _check_file(content: Content, trailer: str, markets: list[_Market]) -> None:
    """Compare the trailer with what was read; its total is in one currency for all markets."""
    stated = number(content, "its records", trailer[_FILE_RECORDS])
    agree(content, "a number of records", stated, 2 + sum(1 + each.records for each in markets))
    stated = number(content, "its transactions", trailer[_FILE_TRANSACTIONS])
    agree(content, "a number of transactions", stated, sum(each.transactions for each in markets))
    stated = number(content, "its amount", trailer[_FILE_TOTAL])
    totals = [
        number(content, "its amount", each.summary[_MARKET_TOTAL_OF_FILE]) for each in markets
    ]
    agree(content, "a sum of billed amounts", stated, sum(totals))


def _transaction(
    originating: str,
    billing: str,
    business_date: str,
    charge_date: str,
    identifier: str,
    sign: str,
    billed: str,
    decimals: str,
    billed_currency: str,
    local: str,
    local_currency: str,
    *texts: str,
) -> Record:
    """Values of a transaction as ISO dates, signed decimals and alphabetic currencies."""
    if sign not in ("+", "-"):
        raise UnreadableError(f"the sign of the billed amount is {sign!r}")
    if not decimals.isdigit():
        raise UnreadableError(f"the number of decimals of the billed amount is {decimals!r}")
    currency, _ = _currency(billed_currency)
    original, digits = _currency(local_currency) if local_currency.strip("0") else (None, 0)
    return (
        originating,
        billing,
        f"{business_date[:4]}-{business_date[4:6]}-{business_date[6:]}",
        charge_date,
        identifier,
        decimal_text(billed, int(decimals), sign == "-"),
        currency,
        decimal_text(local, digits, sign == "-") if original else None,
        original,
        *texts,
    )


_currency = lru_cache(currency_of)
