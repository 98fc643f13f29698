"""What a text is read as, by the format that its source declares; and what is never guessed."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing.feeds import MONEY, Column, Feed
from orchestration.landing.layout import Layout
from orchestration.landing.reading import define_macros
from orchestration.landing.values import Text, holds_time, text_of, typed


@pytest.fixture(scope="module")
def typing() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        define_macros(connection)
        yield connection


def read(
    typing: duckdb.DuckDBPyConnection,
    data_type: str,
    text: str | None,
    time: str = "",
    **format: Any,
) -> Any:
    column = Column("value", data_type, required=False, card_number=False)
    layout = Layout(**format)
    whole = text_of(column, '"text"', '"time"' if time else None, layout)
    feed = Feed("shop", "sales", "shop__sales", "value", (column,), layout=layout)
    value = typed(column, Text('"whole"'), feed)
    query = (
        f'select {value} from (select {whole} as "whole" from (select $1 as "text", $2 as "time"))'
    )
    ((found,),) = typing.execute(query, [text, time]).fetchall()
    return found


AMOUNTS: list[tuple[str, dict[str, str], str | None]] = [
    # one reading, whatever is declared
    ("1234", {}, "1234"),
    ("-12.50", {}, "-12.5"),
    ("12,50", {}, "12.5"),
    ("1,234.50", {}, "1234.5"),
    ("1.234,50", {}, "1234.5"),
    ("1,234,567", {}, "1234567"),
    ("12,34,567.00", {}, "1234567"),
    ("1 234,50", {}, "1234.5"),
    ("1\N{NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567", {}, "1234567"),
    ("1'234.50", {}, "1234.5"),
    ("0.125", {}, "0.125"),
    ("₩1,234,000", {}, "1234000"),
    ("₩ -1,234.5", {}, "-1234.5"),
    ("12000원", {}, "12000"),
    ("KRW 12,000,000", {}, "12000000"),
    ("12.50 EUR", {}, "12.5"),
    ("(12.50)", {}, "-12.5"),
    ("($1,234.56)", {}, "-1234.56"),
    ("12.50-", {}, "-12.5"),
    ("12.50 CR", {}, "-12.5"),
    ("12.50DR", {}, "12.5"),
    ("−12.50", {}, "-12.5"),
    ("△12,345.00", {}, "-12345"),
    ("１２３４．５０", {}, "1234.5"),
    ("+5", {}, "5"),
    (".5", {}, "0.5"),
    # two readings are none, until the format says which
    ("1,234", {}, None),
    ("1.234", {}, None),
    ("-1,234", {}, None),
    ("₩1,234", {}, None),
    ("1,234", {"thousands": ","}, "1234"),
    ("1,234", {"decimal": "."}, "1234"),
    ("1,234", {"decimal": ","}, "1.234"),
    ("1.234", {"decimal": "."}, "1.234"),
    ("1.234", {"decimal": ","}, "1234"),
    ("1.234", {"thousands": "."}, "1234"),
    ("₩1,234", {"thousands": ","}, "1234"),
    ("1.234,5", {"decimal": ",", "thousands": "."}, "1234.5"),
    # the other way round than declared is none
    ("12,50", {"decimal": "."}, None),
    ("1.234,50", {"decimal": "."}, None),
    ("12.50", {"decimal": ","}, None),
    ("1,234.50", {"decimal": ",", "thousands": "."}, None),
    # what is no number
    ("12,34,56", {"thousands": ","}, None),
    ("1,23", {"thousands": ","}, None),
    ("--5", {}, None),
    ("-5-", {}, None),
    ("(-5)", {}, None),
    ("-5 CR", {}, None),
    ("(5", {}, None),
    ("12 34", {}, None),
    ("1 2", {}, None),
    ("1_000", {}, None),
    ("REF12", {}, None),
    ("NaN", {}, None),
    ("inf", {}, None),
    ("1.23E+05", {}, None),
    ("", {}, None),
    ("  ", {}, None),
    ("N/A", {"nulls": ("N/A", "-")}, None),
    # a purchase written below zero
    ("-12.50", {"sign": "purchases_negative"}, "12.5"),
    ("12.50", {"sign": "purchases_negative"}, "-12.5"),
]


@pytest.mark.parametrize(("text", "format", "amount"), AMOUNTS)
def test_an_amount_has_one_reading_or_none(
    typing: duckdb.DuckDBPyConnection, text: str, format: dict[str, Any], amount: str | None
) -> None:
    expected = None if amount is None else Decimal(amount)
    assert read(typing, MONEY, text, **format) == expected


@settings(max_examples=200, deadline=None)
@given(
    value=st.decimals(-(10**9), 10**9, places=2),
    format=st.sampled_from(
        [(".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", None)]
    ),
)
def test_an_amount_written_in_a_declared_format_comes_back(
    typing: duckdb.DuckDBPyConnection, value: Decimal, format: tuple[str, str | None]
) -> None:
    decimal, thousands = format
    text = f"{value:,.2f}" if thousands else f"{value:.2f}"
    text = text.translate({ord(","): thousands or "", ord("."): decimal})
    declared = {"decimal": decimal} | ({"thousands": thousands} if thousands else {})
    assert read(typing, MONEY, text, **declared) == value


@pytest.mark.parametrize(
    ("data_type", "text", "value"),
    [
        ("DOUBLE", "37.566", 37.566),
        ("DOUBLE", "1e3", 1000.0),
        ("DOUBLE", "1e999", None),
        ("DOUBLE", "nan", None),
        ("DOUBLE", "1,234", None),
        ("INTEGER", "3", 3),
        ("INTEGER", " 3.0 ", 3),
        ("INTEGER", "2.7", None),
        ("INTEGER", "3000000000", None),
        ("BIGINT", "3000000000", 3_000_000_000),
        ("BIGINT", "0x1F", None),
        ("BOOLEAN", "TRUE", True),
        ("BOOLEAN", "아니오", False),
        ("BOOLEAN", "maybe", None),
        ("VARCHAR", " C0\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}", "C0"),
        ("VARCHAR", "\N{ZERO WIDTH SPACE}C0\N{RIGHT-TO-LEFT OVERRIDE}\N{SOFT HYPHEN}\0\x07", "C0"),
        ("VARCHAR", "\N{BYTE ORDER MARK}볼\N{NO-BREAK SPACE}링 장\n", "볼 링 장"),
        ("VARCHAR", "한글", "한글"),
        ("VARCHAR", "Cafe\N{COMBINING ACUTE ACCENT}", "Café"),
        ("VARCHAR", "a\nb\tc", "a b c"),
        ("VARCHAR", "\N{HANGUL FILLER}\N{ZERO WIDTH JOINER}", None),
    ],
)
def test_other_values(
    typing: duckdb.DuckDBPyConnection, data_type: str, text: str, value: object
) -> None:
    assert read(typing, data_type, text) == value


DAY = datetime(2025, 3, 4)
TIME = datetime(2025, 3, 4, 18, 5)


TIMES: list[tuple[str, str | None, datetime | None]] = [
    # one reading, whatever is declared
    ("2025-03-04", None, DAY),
    ("2025-03-04", "month/day/year", DAY),
    ("2025.03.04", None, DAY),
    ("2025. 3. 4.", None, DAY),
    ("2025/3/4", None, DAY),
    ("20250304", None, DAY),
    ("２０２５-03-04", None, DAY),
    ("2025년 3월 4일", None, DAY),
    ("2025년3월4일 18:05", None, TIME),
    ("4 Mar 2025", None, DAY),
    ("04-MAR-2025", None, DAY),
    ("March 4, 2025", None, DAY),
    ("2025-03-04 18:05:00", None, TIME),
    ("2025-03-04T18:05", None, TIME),
    ("20250304180500", None, TIME),
    ("20250304 180500", None, TIME),
    ("2025-03-04 6:05 PM", None, TIME),
    ("2025-03-04 오후 6:05:00", None, TIME),
    ("2025-03-04 12:00 AM", None, DAY),
    # what the order decides
    ("04/03/2025", None, None),
    ("19/04/2025", None, None),
    ("04/03/25", None, None),
    ("25.03.04", None, None),
    ("04-MAR-25", None, None),
    ("04/03/2025", "day/month/year", DAY),
    ("4.3.2025", "day/month/year", DAY),
    ("04-03-25", "day/month/year", DAY),
    ("04/03/2025 18:05", "day/month/year", TIME),
    ("04/03/2025 6:05 pm", "day/month/year", TIME),
    ("03/04/2025", "month/day/year", DAY),
    ("3/4/25 18:05:00", "month/day/year", TIME),
    ("25.03.04", "year/month/day", DAY),
    ("25/3/4 18:05", "year/month/day", TIME),
    ("19/04/2025", "month/day/year", None),
    ("04/19/2025", "day/month/year", None),
    # a pattern of the source's own
    ("04.03.25", "%d.%m.%y", DAY),
    ("18h05 4/3/2025", "%Hh%M %d/%m/%Y", TIME),
    ("2025-03-04", "%d.%m.%y", DAY),
    # what is no local time
    ("2025-03-04T18:05:00Z", None, None),
    ("2025-03-04 18:05:00+09:00", None, None),
    ("2025-02-30", None, None),
    ("20250230", None, None),
    ("2025-03-04 25:00:00", None, None),
    ("0000-01-01", None, None),
    ("45720", None, None),
    *((word, order, None) for word in ("infinity", "epoch", "now") for order in (None, "%d.%m.%y")),
]


@pytest.mark.parametrize(("text", "order", "value"), TIMES)
def test_a_time_has_one_reading_or_none(
    typing: duckdb.DuckDBPyConnection, text: str, order: str | None, value: datetime | None
) -> None:
    assert read(typing, "TIMESTAMP", text, dates=order) == value
    assert read(typing, "DATE", text, dates=order) == (value and value.date())


@settings(max_examples=200, deadline=None)
@given(
    day=st.dates(date(2000, 1, 1), date(2068, 12, 31)),
    order=st.sampled_from(["day/month/year", "month/day/year", "year/month/day"]),
    mark=st.sampled_from("/-. "),
    year=st.sampled_from(["%Y", "%y"]),
)
def test_a_day_written_in_a_declared_order_comes_back(
    typing: duckdb.DuckDBPyConnection, day: date, order: str, mark: str, year: str
) -> None:
    parts = {"day": "%d", "month": "%m", "year": year}
    text = day.strftime(mark.join(parts[part] for part in order.split("/")))
    assert read(typing, "DATE", text, dates=order) == day


@pytest.mark.parametrize(
    ("day", "time", "pattern", "value"),
    [
        ("2025-03-04", "18:05", None, TIME),
        ("20250304", "180500", None, TIME),
        ("2025-03-04 00:00:00", "18:05:00", None, TIME),
        ("2025-03-04", "1899-12-31 18:05:00", None, TIME),
        ("20250304", "93005", "%H%M%S", datetime(2025, 3, 4, 9, 30, 5)),
        ("20250304", "18h05", "%Hh%M", TIME),
        ("20250304", " ", None, DAY),
        ("20250304", "96:00", None, None),
        ("20250304", "noon", "%H%M%S", None),
    ],
)
def test_a_time_may_stand_in_a_column_of_its_own(
    typing: duckdb.DuckDBPyConnection, day: str, time: str, pattern: str | None, value: datetime
) -> None:
    assert read(typing, "TIMESTAMP", day, time, times=pattern) == value


@pytest.mark.parametrize(
    ("text", "timed"),
    [
        ("2025-03-04", False),
        ("2025년 3월 4일", False),
        ("20250304", False),
        ("2025-03-04 18:05:00", True),
        ("20250304180500", True),
        ("2025-03-04 6:05 PM", True),
    ],
)
def test_a_day_is_no_midnight(typing: duckdb.DuckDBPyConnection, text: str, timed: bool) -> None:
    condition = holds_time(Text('"text"'), Layout())
    query = f'select {condition} from (select $1 as "text")'
    assert typing.execute(query, [text]).fetchall() == [(timed,)]


CODES = [
    ("currency", "krw", "KRW"),
    ("currency", " ₩ ", "KRW"),
    ("currency", "410", "KRW"),
    ("currency", "36", "AUD"),
    ("currency", "036", "AUD"),
    ("currency", "원화", "KRW"),
    ("currency", "US Dollar", "USD"),
    ("currency", "$", None),
    ("currency", "¥", None),
    ("currency", "XXQ", None),
    ("country", "kor", "KR"),
    ("country", "410", "KR"),
    ("country", "대한민국", "KR"),
    ("country", "Republic of Korea", "KR"),
    ("country", "NA", "NA"),
    ("country", "Narnia", None),
    ("status", "승인", "approved"),
    ("status", "취소", "reversed"),
    ("status", "DECLINED", "declined"),
    ("status", "perhaps", None),
    ("payment", "법인 카드", "card"),
    ("precision", "Day", "day"),
    ("entry_mode", "E-Commerce", "online"),
]


@pytest.mark.parametrize(("kind", "text", "code"), CODES)
def test_a_code_is_read_in_usual_spellings(
    typing: duckdb.DuckDBPyConnection, kind: str, text: str, code: str | None
) -> None:
    query = "select code from code_spellings where kind = $1 and spelling = code_key($2)"
    assert typing.execute(query, [kind, text]).fetchall() == ([(code,)] if code else [])


def test_no_spelling_means_two_codes(typing: duckdb.DuckDBPyConnection) -> None:
    kinds = typing.execute("select kind, count(distinct code) from code_spellings group by 1")
    counts = dict(kinds.fetchall())
    assert (counts["currency"], counts["country"]) == (165, 250)
    repeated = "select kind, spelling from code_spellings group by all having count(*) > 1"
    assert typing.execute(repeated).fetchall() == []


@pytest.mark.parametrize(
    ("text", "mcc"),
    [
        ("5812", "5812"),
        ("742", "0742"),
        ("742.0", "0742"),
        ("5812.0", "5812"),
        ("58", None),
        ("food", None),
    ],
)
def test_a_category_code_gets_its_lost_zero_back(
    typing: duckdb.DuckDBPyConnection, text: str, mcc: str | None
) -> None:
    assert typing.execute("select readable_mcc($1)", [text]).fetchall() == [(mcc,)]
