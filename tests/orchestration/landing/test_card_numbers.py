"""Card numbers are found wherever they stand, and what only looks like them is left alone."""

import random
import re
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing import folder
from orchestration.landing.card_numbers import (
    KEY_VARIABLE,
    card_token,
    masked,
    passes_luhn,
    without_card_numbers,
)
from orchestration.landing.feeds import Column, Feed
from orchestration.landing.load import load_landed, prepare_raw
from tests.orchestration.landing.shop import CARD, SALES, csv_text, put, quarantined

WRITTEN = [
    CARD,
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111.1111.1111.1111",
    "4111\N{NO-BREAK SPACE}1111\N{EN DASH}1111 1111",
    "４１１１１１１１１１１１１１１１",
    " ".join(CARD),
    "411111 1111111111",
    "0004111111111111111",
    "3782 822463 10005",
    "378282246310005",
    "30569309025904",
    "3530111333300000",
    "6011111111111117",
    "6200000000000005",
]

AROUND = ["{}", "paid with {}, thanks", "%B{}^KIM/MINSU^2512101?", ";{}=25121010000012345?"]
AROUND += ["TX{}X", "{} 2025-01-03", "order 12 {} 7", "카드{}번", "a\t{}\tb"]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("number", WRITTEN)
def test_a_card_number_is_found_wherever_it_stands(number: str, around: str) -> None:
    text = around.format(number)
    digits = "".join(str(int(digit)) for digit in number if digit.isdigit())
    expected = around.format("*" * 12 + digits[-4:])
    assert without_card_numbers(text) == expected
    assert number not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit does not hold
        "1234567890123452",  # no issuer begins so
        "2025-01-03 12:30:00 4500",
        "02-1234-5678 010-1234-5678",
        "************1111",
        "24692164107100123456789",  # an acquirer's reference of 23 digits
        "20250304180500",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b04111111111111111a0",
    ],
)
def test_what_only_looks_like_a_card_number_stays(text: str) -> None:
    assert without_card_numbers(text) == text


def test_few_random_numbers_are_taken_for_cards() -> None:
    chance = random.Random(7)  # noqa: S311
    for length, most in ((13, 0.02), (14, 0.01), (15, 0.01), (16, 0.04), (17, 0.01), (18, 0.01)):
        numbers = ["".join(chance.choices("0123456789", k=length)) for _ in range(5000)]
        taken = sum(without_card_numbers(number) != number for number in numbers)
        assert 0 < taken < most * len(numbers), length


@settings(max_examples=200, deadline=None)
@given(before=st.text(max_size=12), after=st.text(max_size=12), body=st.integers(0, 10**14 - 1))
def test_no_text_around_it_hides_a_card_number(before: str, after: str, body: int) -> None:
    digits = f"4{body:014d}"
    number = next(digits + str(last) for last in range(10) if passes_luhn(digits + str(last)))
    text = f"{before}|{number}|{after}"
    assert number not in without_card_numbers(text)
    assert number not in masked(text)
    assert number not in masked(f"7{number}7")


# --- in a file ------------------------------------------------------------------------------------

HASHED = tuple(
    replace(column, is_hashed=True) if column.card_number else column for column in SALES.columns
)


def load(
    home: Home, warehouse: duckdb.DuckDBPyConnection, feed: Feed, *rows: str
) -> list[tuple[str, ...]]:
    put(home, csv_text(*rows, header="sale_id,card_id,sold_at,amount,note"))
    load_landed(warehouse, home, [feed])
    query = "select sale_id, card_id, note from raw.shop__sales order by _line"
    return warehouse.execute(query).fetchall()


def test_tokens_that_look_like_card_numbers_are_declared(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    feed = replace(SALES, card_tokens=("9999",))
    token = next(
        f"99990000000000{n:02d}" for n in range(99) if passes_luhn(f"99990000000000{n:02d}")
    )
    rows = load(
        home, warehouse, feed, f"s2,{token},2025-01-01,1,{token}", f"s3,{CARD},2025-01-01,1,"
    )
    assert rows == [("s2", token, token)]
    assert quarantined(warehouse) == [(3, "card number in clear; send a token instead")]


def test_a_card_number_becomes_a_keyed_hash_where_the_source_says_so(
    home: Home, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "one")
    written = ["4111 1111 1111 1111", CARD, "5500000000000004", "token_1"]
    rows = load(
        home,
        warehouse,
        replace(SALES, columns=HASHED),
        *(f"s{n},{card},2025-01-01,1," for n, card in enumerate(written)),
    )
    tokens = [card for _, card, _ in rows]
    assert tokens[0] == tokens[1] == card_token(CARD) != tokens[2]
    assert tokens[3] == "token_1"
    assert all(re.fullmatch("k[a-z2-7]{15}", token) for token in tokens[:3])
    monkeypatch.setenv(KEY_VARIABLE, "another")
    assert card_token(CARD) != tokens[0]


def test_without_a_key_nothing_is_hashed(
    home: Home, warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(CardwatchError, match="CARDWATCH_CARD_KEY is not set; set it to a secret"):
        load(home, warehouse, replace(SALES, columns=HASHED), f"s2,{CARD},2025-01-01,1,")
    assert warehouse.execute("from raw.load_manifest").fetchall() == []


def test_an_identifier_with_a_card_number_is_of_no_use(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    rows = load(
        home,
        warehouse,
        SALES,
        f"TX{CARD},token,2025-01-01,1,",
        "s3,token,2025-01-01,1,paid with 4111-1111-1111-1111",
        f"s4,card {CARD},2025-01-01,1,",
    )
    assert rows == [("s3", "token", "paid with ************1111")]
    reason = "card number in clear; send a token instead"
    assert quarantined(warehouse) == [(2, f"sale_id: {reason}"), (4, reason)]


def test_a_number_column_takes_no_card_number(home: Home) -> None:
    columns = (*SALES.columns[:4], Column("terminal", "BIGINT", required=False, card_number=False))
    feed = Feed("shop", "sales", "shop__sales", "sold_at", columns, key=("sale_id",))
    put(
        home,
        csv_text(f"s2,t,2025-01-01,1,{CARD}", header="sale_id,card_id,sold_at,amount,terminal"),
    )
    with duckdb.connect() as connection:
        prepare_raw(connection, [feed])
        load_landed(connection, home, [feed])
        assert [line for line, _ in quarantined(connection)] == [2]


# --- the landed file itself -----------------------------------------------------------------------


def test_a_landed_text_is_kept_without_its_card_numbers(
    home: Home,
    warehouse: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(folder, "read_feeds", lambda project: [SALES])
    export = tmp_path / "export.csv"
    rows = [f"s2,{CARD},2025-01-01,1,", "s3,token,2025-01-01,1,card 4111 1111 1111 1111"]
    rows += ["s4,************1111,2025-01-01,1,"]
    export.write_text(csv_text(*rows, header="sale_id,card_id,sold_at,amount,note"))
    (landed,) = folder.copy_to_landing(home, [export], "shop", "sales")
    assert (landed.masked_from, landed.file) == ("line 2, card_id", export)
    assert folder.copy_to_landing(home, [export], "shop", "sales")[0].already_landed
    load_landed(warehouse, home, [SALES])
    query = "select sale_id, card_id, note from raw.shop__sales order by _line"
    assert warehouse.execute(query).fetchall() == [
        ("s3", "token", "card ************1111"),
        ("s4", "************1111", None),
    ]
    assert quarantined(warehouse) == [(2, "card number in clear; send a token instead")]
    warehouse.close()
    kept = b"".join(path.read_bytes() for path in home.root.rglob("*") if path.is_file())
    assert not re.search(rb"4111 ?1111 ?1111", kept)


def test_a_landed_text_of_a_source_that_hashes_has_tokens(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "one")
    feed = replace(SALES, columns=HASHED)
    monkeypatch.setattr(folder, "read_feeds", lambda project: [feed])
    export = tmp_path / "export.csv"
    export.write_text(csv_text("s2,4111 1111 1111 1111,2025-01-01,1"))
    (landed,) = folder.copy_to_landing(home, [export], "shop", "sales")
    with duckdb.connect() as connection:
        prepare_raw(connection, [feed])
        load_landed(connection, home, [feed])
        found = connection.execute("select card_id from raw.shop__sales").fetchall()
    assert found == [(card_token(CARD),)]
    assert card_token(CARD) in landed.landed_as.read_text()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp949"])
def test_any_encoding_is_masked(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setattr(folder, "read_feeds", lambda project: [SALES])
    export = tmp_path / "export.csv"
    row = f"s2,토큰,2025-01-01,1,법인카드 {CARD} 결제"
    export.write_text(
        csv_text(row, header="sale_id,card_id,sold_at,amount,note"), encoding=encoding
    )
    (landed,) = folder.copy_to_landing(home, [export], "shop", "sales")
    assert "법인카드 ~~~~~~~~~~~~1111 결제" in landed.landed_as.read_text(encoding=encoding)


def test_a_file_that_is_no_text_is_refused_with_its_card_numbers(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "read_feeds", lambda project: [SALES])
    export = tmp_path / "export.parquet"
    columns = {"sale_id": ["s"], "card_id": ["t"], "sold_at": ["2025-01-01"], "amount": [1]}
    pq.write_table(pa.table({**columns, "note": [int(CARD)]}), export)
    with pytest.raises(CardwatchError, match=r"holds card numbers in clear \(line 1, note\)"):
        folder.copy_to_landing(home, [export], "shop", "sales")
    assert not list((home.landing / "shop" / "sales").iterdir())


def test_a_text_that_was_put_into_the_folder_by_hand_is_masked_there(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    header = "sale_id,card_id,sold_at,amount,remark"  # the last is no column of the feed
    path = put(home, csv_text(f"s2,token,2025-01-01,1,card {CARD}", header=header))
    put(home, csv_text(f"s3,{CARD},2025-01-01,1,", header=header), "b.csv")
    loaded = load_landed(warehouse, home, [SALES])
    assert [(file.rows_loaded, file.rows_quarantined) for file in loaded] == [(1, 0), (0, 1)]
    assert path.read_text().endswith("card ~~~~~~~~~~~~1111\n")
    put(home, csv_text(f"s2,token,2025-01-01,1,card {CARD}", header=header), "again.csv")
    assert load_landed(warehouse, home, [SALES]) == []
    assert not [
        path for path in home.landing.rglob("*") if path.is_file() and CARD in path.read_text()
    ]
