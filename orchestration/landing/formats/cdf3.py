"""Mastercard CDF 3 and Diners S3DF: one XML layout with counts and sums in its trailer.

Elements that are records have their number in their name and a SequenceNum of their own. A
transaction's element is forgotten once it was read, so that memory stays flat; entities, a DTD and
the network are out of reach of the parser.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, cast

from lxml import etree

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

_ROOTS = ("CDFTransmissionFile", "DinersS3DFTransmissionFile")
_TRANSACTION, _ACCOUNT = "FinancialTransactionEntity", "AccountEntity"
_HEADER, _TRAILER = "TransmissionHeader_1000", "TransmissionTrailer_9999"
_SIDES = ("C", "D")
_ATTRIBUTES = ("CurrencyCode", "CurrencyExponent", "CurrencySign")

# Elements of the records 5000 and 5001, and what a source's yml calls them.
_FINANCIAL = {
    "AcquirerReferenceData": "acquirer_reference",
    "PostingDate": "posting_date",
    "TransactionDate": "transaction_date",
    "ApprovalCode": "approval_code",
    "EmployeeId": "employee_id",
    "IssuerTransactionCode": "issuer_transaction_code",
    "TransactionCategory": "transaction_category",
}
_ACCEPTOR = {
    "CardAcceptorId": "card_acceptor_id",
    "CardAcceptorName": "card_acceptor_name",
    "CardAcceptorCity": "card_acceptor_city",
    "CardAcceptorCountryCode": "card_acceptor_country",
    "CardAcceptorBusinessCode": "mcc",
    "CardAcceptorTaxId": "card_acceptor_tax_id",
}
_COPIED = (*_FINANCIAL, *_ACCEPTOR)
_NAMES = (
    "account_number",
    "transaction_id",
    "maintenance_code",
    "billing_amount",
    "billing_currency",
    "original_amount",
    "original_currency",
    "tax_amount",
    *_FINANCIAL.values(),
    *_ACCEPTOR.values(),
)


@dataclass
class _Totals:
    """What was read, to be compared with the trailer."""

    records: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"C": 0, "D": 0})
    # in the currency of posting and in that of billing: issuers differ in which they state
    posted: dict[str, int] = field(default_factory=lambda: {"C": 0, "D": 0})
    billed: dict[str, int] = field(default_factory=lambda: {"C": 0, "D": 0})
    known: bool = True

    def add(self, side: str, posted: etree._Element, billed: etree._Element) -> None:
        """Add a transaction; where an amount cannot be read, the sums are not known."""
        of_posting, of_billing = (posted.text or "").strip(), (billed.text or "").strip()
        self.counts[side] += 1
        if of_posting.isdigit() and of_billing.isdigit():
            self.posted[side] += int(of_posting)
            self.billed[side] += int(of_billing)
        else:
            self.known = False


def open_cdf3(content: Content, feed: Feed) -> Rows:
    """Transactions of a file; CardwatchError where the feed or the file is none of CDF 3."""
    if feed.feed != "transactions":
        raise CardwatchError(f"a CDF 3 file has no feed {feed.feed!r}; use: transactions")
    if not any(root.encode() in content.sample(4096) for root in _ROOTS):
        refuse(content, f"does not begin with {' or '.join(_ROOTS)}")
    return Rows(_NAMES, lambda: _pieces(content))


def _pieces(content: Content) -> Iterator[Piece]:
    gathered = Gathered(len(_NAMES))
    totals = _Totals()
    with content.open() as stream:
        try:
            for place, entity in enumerate(_transactions(content, stream, totals), start=1):
                if entity.tag != _TRANSACTION:
                    reason = f"{entity.tag} is a financial record that stands in no transaction"
                    gathered.reject(place, reason, " ".join(map(str, entity.itertext())))
                    continue
                elements = {child.tag: child for record in entity for child in record}
                try:
                    gathered.add(place, _transaction(entity, elements, totals))
                except UnreadableError as problem:
                    gathered.reject(place, str(problem), " ".join(map(str, entity.itertext())))
                if gathered.is_full:
                    yield gathered.piece()
        except etree.XMLSyntaxError as error:
            refuse(content, f"is no complete XML ({error.msg})")
    yield gathered.piece()


def _transactions(content: Content, stream: IO[bytes], totals: _Totals) -> Iterator[etree._Element]:
    """The element of each transaction, while records are counted; the trailer is checked last.

    Financial records outside one, such as adjustments, are given too.
    """
    walk = etree.iterparse(
        stream,
        events=("end",),
        tag=(_TRANSACTION, _ACCOUNT, _HEADER, _TRAILER, *_ROOTS),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    done: dict[str, etree._Element] = {}
    begun = ended = False
    for _, element in walk:
        tag = element.tag
        if tag == _TRANSACTION:
            yield element
        elif tag == _ACCOUNT:
            yield from filter(_is_financial, element)
        if tag in (_TRANSACTION, _ACCOUNT):
            totals.records += _records_in(element)
            element.clear()
            # the one before is taken out of the tree only now: the parser still holds this one
            before = done.get(tag)
            if before is not None and (parent := before.getparent()) is not None:
                parent.remove(before)
            done[tag] = element
        elif tag == _HEADER:
            _check_beginning(content, element)
            begun = True
        elif tag == _TRAILER:
            totals.records += _records_in(element.getroottree().getroot())
            _check_trailer(content, element, totals)
            ended = True
    if not (begun and ended):
        refuse(content, f"has no {_TRAILER if begun else _HEADER}")


def _is_financial(record: etree._Element) -> bool:
    """Whether the element is a record of the five thousands, which are about money."""
    return re.search(r"_5\d{3}$", str(record.tag)) is not None


def _records_in(element: etree._Element) -> int:
    return int(cast(float, _SEQUENCE_NUMBERS(element)))


_SEQUENCE_NUMBERS = etree.XPath("count(.//SequenceNum)")


def _check_beginning(content: Content, header: etree._Element) -> None:
    document = header.getroottree()
    if document.docinfo.internalDTD is not None:
        refuse(content, "declares a document type, which no CDF 3 file does")
    root = document.getroot().tag
    version = (
        header.findtext("CDFVersionNum") or header.findtext("DinersS3DFVersionNum") or ""
    ).strip()
    if root not in _ROOTS or not version.startswith("3."):
        refuse(content, f"is {root} of version {version[:9]!r}, and only version 3 is read")


def _check_trailer(content: Content, trailer: etree._Element, totals: _Totals) -> None:
    stated = {child.tag: (child.text or "").strip() for child in trailer}
    records = number(content, "its records", stated.get("RecordCount", ""))
    agree(content, "a number of records", records, totals.records)
    if not totals.known:
        return
    for side, name in (("C", "Credits"), ("D", "Debits")):
        what = f"the {name.lower()}"
        if (text := stated.get(f"NumOf{name}")) is not None:
            agree(
                content,
                f"a number of {name.lower()}",
                number(content, what, text),
                totals.counts[side],
            )
        if (text := stated.get(f"TotalAmountOf{name}")) is not None:
            sums = (totals.billed[side], totals.posted[side])
            agree(content, f"a sum of {name.lower()}", number(content, what, text), sums)


def _transaction(
    entity: etree._Element, elements: dict[str, etree._Element], totals: _Totals
) -> Record:
    """Values of a transaction as signed decimals and alphabetic currencies; they are added up."""
    side = _text(elements, "DebitOrCreditIndicator")
    posted = elements.get("AmountInPostedCurrency")
    billed = elements.get("AmountInBillingCurrency", posted)
    if posted is None:
        posted = billed
    if posted is None or billed is None or side not in _SIDES:
        totals.known = False
        raise UnreadableError("the transaction has no amount, or does not say debit or credit")
    totals.add(side, posted, billed)
    amount, currency = _amount(billed)
    original = elements.get("AmountInOriginalCurrency")
    original_amount, original_currency = _amount(original) if original is not None else (None, None)
    tax = elements.get("TotalTaxAmount")
    return (
        _account(entity),
        # S3DF has no identifier of the network's own
        _text(elements, "MasterCardFinancialTransactionId") or entity.get("ProcessorTransactionId"),
        _text(elements, "MaintenanceCode"),
        amount,
        currency,
        original_amount,
        original_currency,
        _amount(tax)[0] if tax is not None else None,
        *[elements[name].text if name in elements else None for name in _COPIED],
    )


def _text(elements: dict[str, etree._Element], name: str) -> str:
    found = elements.get(name)
    return (found.text or "").strip() if found is not None else ""


def _amount(element: etree._Element) -> tuple[str, str]:
    """An amount by its own exponent and sign, and its currency."""
    code, exponent, side = map(element.get, _ATTRIBUTES)
    return _decimal(element.text or "", code or "", exponent or "", side or "")


# billed, posted and at the merchant it is mostly the same amount
@lru_cache(maxsize=1024)
def _decimal(digits: str, code: str, exponent: str, side: str) -> tuple[str, str]:
    if not exponent.isdigit() or side not in _SIDES:
        raise UnreadableError("an amount does not state its exponent and sign")
    return decimal_text(digits.strip(), int(exponent), side == "C"), currency_of(code)[0]


def _account(entity: etree._Element) -> str | None:
    above = entity.getparent()
    while above is not None and above.tag != _ACCOUNT:
        above = above.getparent()
    return above.get("AccountNumber") if above is not None else None
