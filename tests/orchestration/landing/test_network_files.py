"""Files of the card networks: their rows are true, and their trailers are believed by nobody."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.benchmark.speed.network_files import (
    Purchase,
    purchases,
    write_cdf3,
    write_gl1025,
    write_vcf4,
)
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import Feed, find_feed, read_feeds
from orchestration.landing.file import check_file, read_pieces
from orchestration.landing.folder import copy_to_landing
from orchestration.landing.load import load_landed, prepare_raw
from orchestration.landing.reading import read_rows

FEEDS = read_feeds()

Writer = Callable[[Path, Iterable[Purchase]], None]


@dataclass(frozen=True)
class Format:
    """A format with what its source calls the columns that all three have."""

    source: str
    write: Writer
    day: str
    amount: str
    original: str
    currency: str
    original_currency: str

    @property
    def feed(self) -> Feed:
        return find_feed(FEEDS, self.source, "transactions")


VCF4 = Format("visa_vcf4", write_vcf4, "transaction_date", "billing_amount", "source_amount",
              "billing_currency", "source_currency")  # fmt: skip
CDF3 = Format("mastercard_cdf3", write_cdf3, "transaction_date", "billing_amount",
              "original_amount", "billing_currency", "original_currency")  # fmt: skip
GL1025 = Format("amex_gl1025", write_gl1025, "charge_date", "billed_amount", "local_amount",
                "billed_currency", "local_currency")  # fmt: skip
FORMATS = [VCF4, CDF3, GL1025]
IDS = [each.source for each in FORMATS]

every_format = pytest.mark.parametrize("form", FORMATS, ids=IDS)


def rows_of(path: Path, feed: Feed) -> list[dict[str, Any]]:
    (rows,) = read_rows([check_file(path, feed)])
    return sorted(rows, key=lambda row: row["line"])


def read_all(path: Path, feed: Feed) -> tuple[int, list[tuple[int, str, str]]]:
    """How many rows there are, and the broken ones."""
    rows, broken = 0, []
    for piece in read_pieces(check_file(path, feed)):
        rows += piece.rows.num_rows
        broken += [(line.line, line.reason, line.text) for line in piece.broken]
    return rows, broken


def wrong(path: Path, feed: Feed) -> str:
    """The sentence that a file is refused with."""
    with pytest.raises(CardwatchError) as refused:
        read_all(path, feed)
    return str(refused.value)


def changed(path: Path, old: str, new: str, count: int = 1) -> None:
    text = path.read_bytes()
    assert old.encode() in text
    path.write_bytes(text.replace(old.encode(), new.encode(), count))


@every_format
def test_every_transaction_is_a_row_with_its_signed_amount_and_day(
    form: Format, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    written = list(purchases(120, cards=7))
    form.write(path, written)
    rows = rows_of(path, form.feed)
    assert [row[form.amount] for row in rows] == [Decimal(row.amount) / 100 for row in written]
    assert [row[form.day] for row in rows] == [row.day for row in written]
    assert {row[form.currency] for row in rows} == {"EUR"}
    assert min(row[form.amount] for row in rows) < 0
    assert {row["mcc"] for row in rows} == {row.merchant[3] for row in written}


@every_format
def test_the_amount_at_the_merchant_has_the_minor_unit_of_its_own_currency(
    form: Format, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    day = date(2026, 1, 5)
    form.write(
        path,
        [Purchase(1, "TKN1", day, 2_500, original_amount=41_000, original_currency="410"),
         Purchase(2, "TKN1", day, -2_500, original_amount=-4_100, original_currency="392"),
         Purchase(3, "TKN1", day, 2_500, original_amount=812_345, original_currency="414")],
    )  # fmt: skip
    if form is CDF3:  # its amounts carry an exponent of their own, which is 2 more here
        expected = [(Decimal(410), "KRW"), (Decimal(-41), "JPY"), (Decimal("8123.45"), "KWD")]
    else:
        expected = [(Decimal(41_000), "KRW"), (Decimal(-4_100), "JPY"), (Decimal("812.345"), "KWD")]
    found = [(row[form.original], row[form.original_currency]) for row in rows_of(path, form.feed)]
    assert found == expected


def test_a_bill_in_won_has_no_decimals(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_vcf4(path, [Purchase(1, "TKN1", date(2026, 1, 5), 41_000, currency="410")])
    (row,) = rows_of(path, VCF4.feed)
    assert (row["billing_amount"], row["billing_currency"]) == (Decimal(41_000), "KRW")


def _damages(form: Format, whole: bytes) -> Iterator[tuple[str, bytes]]:
    lines = whole.splitlines(keepends=True)
    # without its declaration, on the first line, an XML file is still the same
    for at in range(1 if form is CDF3 else 0, len(lines)):
        yield f"without line {at + 1}", b"".join(lines[:at] + lines[at + 1 :])
        yield f"line {at + 1} twice", b"".join(lines[: at + 1] + lines[at:])
    yield "the file twice, cut", whole + whole[: len(whole) // 2]


@every_format
def test_a_file_that_lost_or_doubled_a_line_is_refused(form: Format, tmp_path: Path) -> None:
    path = tmp_path / "file"
    form.write(path, purchases(4, cards=2))
    whole = path.read_bytes()
    for what, damaged in _damages(form, whole):
        path.write_bytes(damaged)
        assert str(path) in wrong(path, form.feed), what


@every_format
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_that_was_cut_is_refused(
    form: Format, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "file"
    form.write(path, purchases(5, cards=2))
    whole = path.read_bytes()
    # the end of the last line is no part of its record
    kept = data.draw(st.integers(1, len(whole.rstrip()) - 1))
    if form is GL1025:  # nor are the blanks that fill it
        kept = min(kept, len(whole) - 2393)
    if form is VCF4:
        kept = min(kept, len(whole) - 60)
    path.write_bytes(whole[:kept])
    assert str(path) in wrong(path, form.feed)


@every_format
def test_an_amount_that_was_changed_is_refused_and_the_sum_is_named(
    form: Format, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    form.write(path, [Purchase(1, "TKN1", date(2026, 1, 5), 777_777)])
    whole = path.read_text(encoding="latin-1")
    # the amount stands in the transaction first or last, and in a trailer or summary too
    at = whole.index("777777", whole.index("TKN1") if form is GL1025 else 0)
    changed_text = whole[:at] + "777778" + whole[at + 6 :]
    if form is VCF4:
        at = whole.index("777777", at + 6)
        changed_text = whole[:at] + "777778" + whole[at + 6 :]
    if form is CDF3:
        head, tail = whole.split("<TransmissionTrailer_9999>")
        changed_text = head.replace("777777", "777778") + "<TransmissionTrailer_9999>" + tail
    path.write_text(changed_text, encoding="latin-1")
    said = wrong(path, form.feed)
    assert "a sum of" in said
    assert "777778" in said


def test_nothing_of_a_refused_file_is_loaded(home: Home) -> None:
    path = home.landing / "visa_vcf4" / "transactions" / "a.vcf"
    path.parent.mkdir(parents=True)
    write_vcf4(path, purchases(30))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[:20] + lines[21:]), encoding="utf-8")
    with connect(home) as connection:
        prepare_raw(connection, FEEDS)
        with pytest.raises(CardwatchError, match="number of records of the block of type 05"):
            load_landed(connection, home, [VCF4.feed])
        for table in ("visa_vcf4__transactions", "quarantine", "load_manifest"):
            assert connection.execute(f"select count(*) from raw.{table}").fetchone() == (0,)


def test_a_file_whose_trailer_is_wrong_does_not_land(home: Home, tmp_path: Path) -> None:
    good, cut = tmp_path / "good.vcf", tmp_path / "cut.vcf"
    write_vcf4(good, purchases(30))
    lines = good.read_text(encoding="utf-8").splitlines(keepends=True)
    cut.write_text("".join(lines[:-2]), encoding="utf-8")
    with pytest.raises(CardwatchError, match=r"cut.vcf ends on line 42, within the block"):
        copy_to_landing(home, [good, cut], "visa_vcf4", "transactions")
    assert not home.landing.exists()


def test_one_unreadable_record_costs_its_line_only(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_vcf4(path, purchases(6, cards=1))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # a type that is neither debit nor credit, and an account number that is a card's
    first = next(at for at, line in enumerate(lines) if line.split("\t")[17:18] == ["10"])
    fields = lines[first].split("\t")
    fields[1], fields[17] = "4111111111111111", "99"
    lines[first] = "\t".join(fields)
    path.write_text("".join(lines), encoding="utf-8")
    rows, broken = read_all(path, VCF4.feed)
    assert rows == 5
    ((line, reason, text),) = broken
    assert line == first + 1
    assert reason == "the transaction type '99' is neither a debit nor a credit"
    assert "4111111111111111" not in text


def test_the_key_of_the_addenda_never_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_vcf4(path, purchases(3, cards=1))
    for piece in read_pieces(check_file(path, VCF4.feed)):
        assert not any("TKN" in str(value) and "74000" in str(value)
                       for row in piece.rows.to_pylist() for value in row.values())  # fmt: skip


def test_a_file_may_hold_several_sets(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write_vcf4(one, purchases(5))
    write_vcf4(two, purchases(3))
    both = tmp_path / "both"
    both.write_bytes(one.read_bytes() + b"\n" + two.read_bytes())
    assert len(rows_of(both, VCF4.feed)) == 8


def test_a_card_account_is_a_card(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_vcf4(path, [], cards=2)
    rows = rows_of(path, find_feed(FEEDS, "visa_vcf4", "cards"))
    assert [(row["account_number"], row["cardholder_id"]) for row in rows] == [
        ("TKN0000000000000", "HOLDER0"),
        ("TKN0000000000001", "HOLDER1"),
    ]
    assert rows[0]["effective_date"] == date(2026, 1, 1)
    assert rows[0]["closed_date"] is None


@pytest.mark.parametrize(
    ("form", "old", "new", "said"),
    [
        (VCF4, "\t4.0       \t", "\t3.0       \t", "is of VCF version '3.0'"),
        (VCF4, "\n4\t", "\n5\t", "has load code '5' in the block of type 03, on line 3"),
        (VCF4, "\n9\tCOMPANY1\t00001\t02012026\t03", "\n9\tCOMPANY1\t00001\t02012026\t05",
         "closes a block of type 05"),
        (CDF3, ">3.00<", ">2.00<", "of version '2.00'"),
        (CDF3, "<CDFTransmissionFile>", '<!DOCTYPE x [<!ENTITY e "e">]><CDFTransmissionFile>',
         "declares a document type"),
        (GL1025, "GL1025", "GL1080", "does not begin with the header of a GL1025 file"),
        (GL1025, "\n1", "\n7", "has a record of type '7' on line 3"),
    ],
)  # fmt: skip
def test_what_the_file_is_not_is_said_in_one_sentence(
    form: Format, old: str, new: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    form.write(path, purchases(3, cards=1))
    changed(path, old, new)
    assert said in wrong(path, form.feed)


def test_entities_and_the_network_are_out_of_reach(tmp_path: Path) -> None:
    path, secret = tmp_path / "file", tmp_path / "secret"
    secret.write_text("SECRET")
    write_cdf3(path, purchases(1))
    changed(
        path,
        "<CDFTransmissionFile>",
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><CDFTransmissionFile>',
    )
    changed(path, "HARBOUR HOTEL", "&e;")
    assert "SECRET" not in wrong(path, CDF3.feed)


def test_the_siblings_of_diners_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_cdf3(path, purchases(5), diners=True)
    assert len(rows_of(path, CDF3.feed)) == 5


def test_a_transaction_that_is_sent_again_corrects_the_first(home: Home) -> None:
    folder = home.landing / "mastercard_cdf3" / "transactions"
    folder.mkdir(parents=True)
    sent = Purchase(1, "TKN1", date(2026, 1, 5), 2_500)
    write_cdf3(folder / "1.xml", [sent])
    write_cdf3(folder / "2.xml", [replace(sent, amount=2_600)])
    with connect(home) as connection:
        prepare_raw(connection, FEEDS)
        load_landed(connection, home, [CDF3.feed])
        found = connection.execute(
            "select _key, billing_amount from raw.mastercard_cdf3__transactions order by _load_id"
        ).fetchall()
    assert found == [
        ("mastercard_cdf3:000000000000001", Decimal(25)),
        ("mastercard_cdf3:000000000000001", Decimal(26)),
    ]


def test_an_adjustment_outside_a_transaction_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "file.xml"
    write_cdf3(path, purchases(2, cards=1))
    adjustment = "<Adjustment_5900><SequenceNum>6</SequenceNum>Annual fee</Adjustment_5900>"
    changed(path, "</AccountEntity>", adjustment + "</AccountEntity>")
    changed(path, "<RecordCount>00000006<", "<RecordCount>00000007<")
    rows, broken = read_all(path, CDF3.feed)
    assert rows == 2
    ((_, reason, text),) = broken
    assert "Adjustment_5900" in reason
    assert "Annual fee" in text
