"""Files as card networks send them, with invented content: for tests and for the measurement.

Each writer streams, so that a file of ten million transactions needs no memory. What is no field of
interest stays empty, as it does in files that companies receive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import TextIO

_MERCHANTS = (
    ("M0001", "HARBOUR HOTEL", "BUSAN", "7011"),
    ("M0002", "NOODLE HOUSE", "SEOUL", "5812"),
    ("M0003", "NORTH AIR", "INCHEON", "4511"),
    ("M0004", "PAPER & INK", "DAEGU", "5943"),
    ("M0005", "CITY TAXI", "SEOUL", "4121"),
)


@dataclass(frozen=True)
class Purchase:
    """One transaction; amounts in minor units of their currency, negative for a refund."""

    number: int
    card: str
    day: date
    amount: int
    currency: str = "978"
    original_amount: int | None = None
    original_currency: str | None = None
    merchant: tuple[str, str, str, str] = _MERCHANTS[0]

    @property
    def posted_on(self) -> date:
        """Three days after the purchase."""
        return self.day + timedelta(days=3)

    @property
    def original(self) -> tuple[int, str]:
        """Amount and currency at the merchant; those of the bill where there are no others."""
        if self.original_amount is None or self.original_currency is None:
            return self.amount, self.currency
        return self.original_amount, self.original_currency


def purchases(rows: int, cards: int = 200) -> Iterator[Purchase]:
    """Invented purchases, ordered by card; every fortieth is a refund."""
    for row in range(rows):
        amount = 500 + row * 7919 % 250_000
        yield Purchase(
            number=row + 1,
            card=f"TKN{row * cards // max(rows, 1):013d}",
            day=date(2026, 1, 5) + timedelta(days=row % 28),
            amount=-amount if row % 40 == 39 else amount,
            merchant=_MERCHANTS[row % len(_MERCHANTS)],
        )


def write_vcf4(path: Path, rows: Iterable[Purchase], cards: int = 3) -> None:
    """One set: blocks of cards, cardholders and transactions."""
    with path.open("w", encoding="utf-8", newline="") as file:
        written = _VcfSet(file)
        written.begin("03")
        for card in range(cards):
            written.record(
                f"HOLDER{card}",
                f"TKN{card:013d}",
                "NODE1",
                "01012026",
                "01012026",
                "00000000",
                "12312029",
            )
        written.end()
        written.begin("04")
        for card in range(cards):
            written.record("COMPANY1", f"HOLDER{card}", f"NODE{card % 2}", "A", "B")
        written.end()
        written.begin("05")
        for row in rows:
            written.transaction(row)
        written.end()
        written.close()


class _VcfSet:
    """A set of VCF blocks that counts and adds up what is written into it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._records = self._net = self._block_records = self._block_net = 0
        self._kind = "00"
        self._control("6", 0, 0)

    def begin(self, kind: str) -> None:
        self._kind, self._block_records, self._block_net = kind, 0, 0
        self._control("8", 0, 0)

    def record(self, *fields: str) -> None:
        self._block_records += 1
        self._file.write("\t".join(("4", *fields)) + "\n")

    def transaction(self, row: Purchase) -> None:
        acceptor, name, city, mcc = row.merchant
        original, original_currency = row.original
        posted = f"{row.posted_on:%m%d%Y}"
        reference = f"74{row.number:021d}"
        self._block_net += row.amount
        fields = [""] * 76
        fields[2:21] = [
            posted, reference, f"{row.number % 10**10:010d}", "26005", "400000", acceptor,
            name.ljust(25), city, "", "00410", "", f"{abs(original):016d}",
            f"{abs(row.amount):016d}", original_currency.rjust(5, "0"), mcc,
            "11" if row.amount < 0 else "10", f"{row.day:%m%d%Y}", row.currency.rjust(5, "0"),
            "0" * 16,
        ]  # fmt: skip
        fields[1] = row.card.ljust(19)
        fields[38] = f"{row.card:19}{reference:25}{posted}"
        fields[48] = f"{row.number % 10**6:06d}"
        self.record(*fields[1:])

    def end(self) -> None:
        self._control("9", self._block_records, abs(self._block_net))
        self._records += self._block_records + 2
        self._net += self._block_net
        self._kind = "00"

    def close(self) -> None:
        self._control("7", self._records, abs(self._net))

    def _control(self, code: str, records: int, amount: int) -> None:
        fields = [
            code,
            "COMPANY1",
            "00001",
            "02012026",
            self._kind,
            f"{records:010d}",
            f"{amount:016d}",
            "4.0       ",
            "10000001",
            "0000000012",
            "3",
        ]
        self._file.write("\t".join([*fields, *[""] * 5]) + "\n")


def write_gl1025(path: Path, rows: Iterable[Purchase]) -> None:
    """One market in one currency. Its summary comes first, so the rows are written twice over."""
    body = path.with_name(path.name + ".body")
    count = total = 0
    with body.open("w", encoding="latin-1", newline="") as file:
        for row in rows:
            file.write(_gl1025_transaction(row) + "\n")
            count += 1
            total += row.amount
        file.write("2".ljust(625) + "\n")
    frame = _placed(
        2393,
        {
            2: "60000",
            28: "GL1025",
            44: "2026-02-01",
            55: "26032",
            61: "03",
            75: "P0",
            78: f"{count + 4:015d}",
            94: "978",
            97: "2",
            99: f"{total:+016d}",
            139: f"{count:015d}",
        },
    )
    market = _placed(
        2393,
        {
            1: "8",
            2: "20260201",
            10: "26032",
            27: f"{count + 1:010d}",
            37: "001",
            40: "978",
            43: "2",
            48: "9782",
            53: f"{total:+016d}",
            85: f"{total:+016d}",
            150: f"{count:015d}",
        },
    )
    with (
        path.open("w", encoding="latin-1", newline="") as file,
        body.open(encoding="latin-1", newline="") as written,
    ):
        file.write("0" + frame[1:] + "\n" + market + "\n")
        for line in written:
            file.write(line)
        file.write("9" + frame[1:] + "\n")
    body.unlink()


def _gl1025_transaction(row: Purchase) -> str:
    number, name, _, mcc = row.merchant
    original, original_currency = row.original
    return _placed(2393, {
        1: "1", 208: row.card, 574: f"{row.posted_on:%Y%m%d}", 589: f"{row.day:%Y-%m-%d}",
        600: "2026-02-01", 632: f"AX{row.number:015d}",
        737: "-" if row.amount < 0 else "+", 738: f"{abs(row.amount):015d}", 754: "0" * 15,
        769: "2", 770: row.currency, 812: f"{abs(original):015d}", 859: original_currency,
        905: "06", 947: name, 1678: mcc, 1828: number.rjust(10, "0"), 1914: name,
    })  # fmt: skip


def _placed(length: int, values: dict[int, str]) -> str:
    """A line of blanks with values at their places, from 1, in rising order."""
    parts, at = [], 1
    for place, value in values.items():
        parts += [" " * (place - at), value]
        at = place + len(value)
    return "".join(parts).ljust(length)


def write_cdf3(path: Path, rows: Iterable[Purchase], diners: bool = False) -> None:
    """One corporation; the rows of a card, which stand together, are one account."""
    root = "DinersS3DFTransmissionFile" if diners else "CDFTransmissionFile"
    version = "DinersS3DFVersionNum" if diners else "CDFVersionNum"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(
            f'<?xml version="1.0" encoding="utf-8"?>\n<{root}>\n<TransmissionHeader_1000>'
            f"<SequenceNum>1</SequenceNum><{version}>3.00</{version}></TransmissionHeader_1000>\n"
            '<IssuerEntity ICANumber="1" IssuerNumber="1">'
            '<CorporateEntity CorporationNumber="1">\n'
        )
        sequence, counts, sums, open_card = 1, {"C": 0, "D": 0}, {"C": 0, "D": 0}, None
        for row in rows:
            if row.card != open_card:
                file.write("</AccountEntity>\n" if open_card else "")
                file.write(f'<AccountEntity AccountNumber="{escape(row.card)}">\n')
                open_card = row.card
            side = "C" if row.amount < 0 else "D"
            counts[side] += 1
            sums[side] += abs(row.amount) * 100
            file.write(_cdf3_transaction(row, sequence, side))
            sequence += 2
        file.write("</AccountEntity>\n" if open_card else "")
        file.write(
            "</CorporateEntity></IssuerEntity>\n<TransmissionTrailer_9999>"
            f"<SequenceNum>{sequence + 1}</SequenceNum>"
            f"<RecordCount>{sequence + 1:08d}</RecordCount>"
            f"<NumOfCredits>{counts['C']:010d}</NumOfCredits>"
            f"<NumOfDebits>{counts['D']:010d}</NumOfDebits>"
            f"<TotalAmountOfCredits>{sums['C']:020d}</TotalAmountOfCredits>"
            f"<TotalAmountOfDebits>{sums['D']:020d}</TotalAmountOfDebits>"
            f"</TransmissionTrailer_9999>\n</{root}>\n"
        )


def _cdf3_transaction(row: Purchase, sequence: int, side: str) -> str:
    """With the exponent 4 that such files often have, for a currency of two digits."""
    acceptor, name, city, mcc = row.merchant
    original, original_currency = row.original

    def amount(tag: str, value: int, currency: str) -> str:
        return (
            f'<{tag} CurrencyCode="{currency}" CurrencyExponent="4" CurrencySign="{side}">'
            f"{abs(value) * 100:016d}</{tag}>"
        )

    return (
        f'<FinancialTransactionEntity ProcessorTransactionId="P{row.number}">'
        "<FinancialTransaction_5000><FinancialRecordHeader>"
        f"<SequenceNum>{sequence + 1}</SequenceNum><MaintenanceCode>A</MaintenanceCode>"
        f"</FinancialRecordHeader><MasterCardFinancialTransactionId>{row.number:015d}"
        "</MasterCardFinancialTransactionId>"
        f"<AcquirerReferenceData>05{row.number:021d}</AcquirerReferenceData>"
        f"<PostingDate>{row.posted_on}</PostingDate><TransactionDate>{row.day}</TransactionDate>"
        f"<ApprovalCode>{row.number % 10**6:06d}</ApprovalCode>"
        f"<DebitOrCreditIndicator>{side}</DebitOrCreditIndicator>"
        + amount("AmountInOriginalCurrency", original, original_currency)
        + amount("AmountInPostedCurrency", row.amount, row.currency)
        + amount("AmountInBillingCurrency", row.amount, row.currency)
        + "</FinancialTransaction_5000><CardAcceptor_5001><FinancialRecordHeader>"
        f"<SequenceNum>{sequence + 2}</SequenceNum><MaintenanceCode>A</MaintenanceCode>"
        f"</FinancialRecordHeader><CardAcceptorId>{acceptor}</CardAcceptorId>"
        f"<CardAcceptorName>{escape(name)}</CardAcceptorName>"
        f"<CardAcceptorCity>{city}</CardAcceptorCity>"
        "<CardAcceptorCountryCode>KOR</CardAcceptorCountryCode>"
        f"<CardAcceptorBusinessCode>{mcc}</CardAcceptorBusinessCode>"
        "</CardAcceptor_5001></FinancialTransactionEntity>\n"
    )
