"""The common ERP tables and issuers' lists of Korea, as companies export them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import find_feed, read_feeds
from orchestration.landing.load import load_landed, prepare_raw

FEEDS = read_feeds()

PURCHASES = """\
OWNER_REG_NO,CARD_CODE,CARD_NUM,USER_NAME,AUTH_NUM,AUTH_DATE,AUTH_TIME,AQUI_DATE,GEORAE_COLL,\
GEORAE_STAT,GEORAE_CAND,REQUEST_AMOUNT,VAT_AMOUNT,GEORAE_GUKGA,FOR_AMOUNT,MERC_NAME,MERC_SAUP_NO,\
MCC_STAT,VAT_STAT,CAN_DATE,ORG_COLL
1,26,TKN1,김하나,00112233,20260105,93005,20260107,C1,1,,55000,5000,,0,바다횟집,1234567890,01,1,,
1,26,TKN1,김하나,00112234,20260105,,20260107,C2,1,,41000,0,USD,28.5,NORTH AIR,,02,0,00000000,
1,26,TKN1,김하나,00112233,20260105,,20260109,C3,0,20260108,55000,5000,,0,바다횟집,1234567890,01,5,\
20251231,C1
"""


def loaded(home: Home, source: str, feed: str, content: bytes) -> list[dict[str, Any]]:
    """Land one file, load it, and give the rows of the raw table in order of their lines."""
    path = home.landing / source / feed / "file.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    declared = find_feed(FEEDS, source, feed)
    with connect(home) as connection:
        prepare_raw(connection, FEEDS)
        load_landed(connection, home, [declared])
        assert connection.execute("select reason from raw.quarantine").fetchall() == []
        return rows(connection, f"select * from raw.{declared.table} order by _line")


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_table_of_purchases_is_read_with_its_own_names(home: Home, encoding: str) -> None:
    dinner, abroad, cancelled = loaded(home, "korean_erp", "purchases", PURCHASES.encode(encoding))
    assert dinner["auth_date"] == datetime(2026, 1, 5, 9, 30, 5)
    assert dinner["request_amount"] == Decimal(55_000)
    assert (dinner["_has_time"], abroad["_has_time"]) == (True, False)
    assert (abroad["for_amount"], abroad["georae_gukga"]) == (Decimal("28.5"), "USD")
    assert abroad["can_date"] is None
    assert (cancelled["georae_cand"], cancelled["can_date"]) == (
        date(2026, 1, 8),
        date(2025, 12, 31),
    )
    assert len({dinner["_key"], abroad["_key"], cancelled["_key"]}) == 3


@pytest.mark.parametrize(
    "header",
    [
        "카드번호,승인일자,가맹점명,거래금액(원화),가맹점업종",
        "이용카드,이용일자,이용가맹점,이용금액,업종",
        "이용카드명,이용일,이용하신곳,국내이용금액(원),업종",
        "카드번호,승인일자,가맹점명,승인금액(원),업종",
        "카드번호,거래일자,이용가맹점,거래금액,업종",
    ],
)
def test_each_issuers_header_names_the_same_columns(home: Home, header: str) -> None:
    content = f'{header}\n1234-****-****-5678,26.01.05,바다횟집,"55,000",음식점\n'
    (row,) = loaded(home, "korean_issuer", "purchases", content.encode("cp949"))
    assert row["used_on"] == datetime(2026, 1, 5)
    assert (row["amount"], row["merchant_name"], row["trade"]) == (55_000, "바다횟집", "음식점")
    assert row["_has_time"] is False


def test_the_same_purchase_twice_on_a_day_is_two_purchases(home: Home) -> None:
    line = '1234-****-****-5678,2026-01-05,바다횟집,"55,000",음식점\n'
    content = f"카드번호,승인일자,가맹점명,거래금액(원화),가맹점업종\n{line}{line}"
    found = loaded(home, "korean_issuer", "purchases", content.encode("cp949"))
    assert len({row["_key"] for row in found}) == 2
