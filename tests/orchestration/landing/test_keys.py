"""What names a row: two sources, or two months, cannot meet."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home, project_root
from orchestration.landing import reading
from orchestration.landing.feeds import Feed, read_feeds
from orchestration.landing.folder import copy_to_landing
from orchestration.landing.keys import key_expression
from orchestration.landing.load import LoadedFile, load_landed, prepare_raw
from tests.orchestration.landing.shop import (
    FEEDS,
    SALES,
    csv_text,
    everything,
    good,
    put,
    quarantined,
)

MONTHLY = replace(SALES, key_holds="file")
OF_TWO = replace(SALES, key=("card_id", "note"))
LABELS = ("company", "labels")


def keys(warehouse: duckdb.DuckDBPyConnection, table: str = "shop__sales") -> list[str]:
    found = warehouse.execute(f"select _key from raw.{table} order by _load_id, _line").fetchall()
    return [key for (key,) in found]


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        (SALES, "shop:s1"),
        (replace(SALES, as_given=True), "s1"),
        (MONTHLY, "shop:a.csv:s1"),
        (replace(SALES, key=("card_id", "sold_at")), "shop:token_1:2025-01-01 10:00:00"),
        # where no column names a row, its line within its file does
        (replace(SALES, key=("_line",), key_holds="file"), "shop:a.csv:2"),
    ],
)
def test_a_key_is_made_of_source_and_key_columns(
    home: Home, warehouse: duckdb.DuckDBPyConnection, feed: Feed, expected: str
) -> None:
    put(home, csv_text(good(1)))
    load_landed(warehouse, home, [feed])
    assert keys(warehouse) == [expected]


def test_two_sources_that_share_identifiers_do_not_meet(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    kiosk = replace(SALES, source="kiosk", table="kiosk__sales")
    prepare_raw(warehouse, [kiosk])
    put(home, csv_text(*map(good, range(1, 6))))
    other = home.landing / "kiosk" / "sales" / "a.csv"
    other.parent.mkdir(parents=True)
    other.write_text(csv_text(*map(good, range(4, 9))))
    load_landed(warehouse, home, [SALES, kiosk])
    assert len({*keys(warehouse), *keys(warehouse, "kiosk__sales")}) == 10


def test_identifiers_that_restart_in_each_file_do_not_meet(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    for month in ("01", "02"):
        put(home, csv_text(*(good(n, day=int(month)) for n in (1, 2, 3))), f"2025-{month}.csv")
    load_landed(warehouse, home, [MONTHLY])
    assert len(set(keys(warehouse))) == 6


def test_a_file_sent_again_under_its_name_keeps_its_keys(
    tmp_path: Path, home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    sent = tmp_path / "labels.csv"
    for misuse in ("true", "false"):
        sent.write_text(f"transaction_id,misuse,decided_at\nT1,{misuse},2025-01-01\n")
        copy_to_landing(home, [sent], "company", "labels")
    (declared,) = [feed for feed in read_feeds() if (feed.source, feed.feed) == LABELS]
    feed = replace(declared, key_holds="file")
    prepare_raw(warehouse, [feed])
    assert len({file.file for file in load_landed(warehouse, home, [feed])}) == 2
    assert set(keys(warehouse, "company__labels")) == {"labels.csv:T1:2025-01-01 00:00:00"}


def test_rows_of_a_warehouse_from_before_get_their_keys(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1), good(2)))
    load_landed(warehouse, home, [SALES])
    expected = keys(warehouse)
    warehouse.execute("alter table raw.shop__sales drop column _key; delete from raw.feed_keys")
    prepare_raw(warehouse, [SALES])
    assert keys(warehouse) == expected == ["shop:s1", "shop:s2"]


# --- rows that come again -------------------------------------------------------------------------


def kinds(file: LoadedFile) -> tuple[int, int, int, int]:
    return file.rows_new, file.rows_corrected, file.rows_replaced, file.rows_unchanged


@pytest.mark.parametrize("batch_bytes", [1, 4_000_000])
def test_a_row_is_new_corrected_replaced_or_unchanged(
    home: Home,
    warehouse: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
    batch_bytes: int,
) -> None:
    monkeypatch.setattr(reading, "BATCH_BYTES", batch_bytes)
    put(home, csv_text(good(1, 1), good(2, 2), good(3, 3), good(3, 3)), "1.csv")
    put(home, csv_text(good(1, 1), good(2, 2) + "9", good(3, 4), good(4, 9)), "2.csv")
    put(home, csv_text(good(1, 1), good(2, 2), good(3, 4)), "3.csv")
    files = load_landed(warehouse, home, FEEDS)
    assert [kinds(file) for file in files] == [(3, 0, 0, 1), (1, 1, 1, 1), (0, 1, 0, 2)]
    manifest = "select rows_new, rows_corrected, rows_replaced, rows_unchanged, first_day::varchar"
    assert warehouse.execute(f"{manifest} from raw.load_manifest order by load_id").fetchall() == [
        (3, 0, 0, 1, "2025-01-01"),
        (1, 1, 1, 1, "2025-01-02"),
        (0, 1, 0, 2, "2025-01-02"),
    ]


def test_rows_of_one_file_that_contradict_each_other_are_set_aside_together(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1), good(2), good(2) + "7", good(3), good(3)))
    (file,) = load_landed(warehouse, home, FEEDS)
    assert (file.rows_loaded, file.rows_quarantined, kinds(file)) == (3, 2, (2, 0, 0, 1))
    assert quarantined(warehouse) == [
        (3, "line 4 has the same key and says something else"),
        (4, "line 3 has the same key and says something else"),
    ]
    texts = warehouse.execute("select original_text from raw.quarantine order by line").fetchall()
    assert [json.loads(text)["amount"] for (text,) in texts] == ["2.5", "2.57"]


def test_a_file_whose_keys_contradict_each_other_is_refused(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(*(good(n % 30) + str(n) for n in range(60))), "b.csv")
    before = everything(warehouse)
    with pytest.raises(
        CardwatchError, match=r"b\.csv was not loaded: the keys of 60 of its 60 rows"
    ):
        load_landed(warehouse, home, FEEDS)
    assert everything(warehouse) == before


@pytest.mark.parametrize(
    "key",
    [
        *("1.23457E+14", "2.02512e+15", "1,23457E+14", "1E+20", "N/A", "#N/A", "null", "None", "-"),
        *("없음", "NaN"),
    ],
)
def test_a_key_that_names_nothing_is_set_aside(
    home: Home, warehouse: duckdb.DuckDBPyConnection, key: str
) -> None:
    rows = [good(n) for n in range(60)]
    put(home, csv_text(*rows, f'"{key}",c,2025-01-01,1'))
    (file,) = load_landed(warehouse, home, FEEDS)
    assert (file.rows_loaded, file.rows_quarantined) == (60, 1)
    assert quarantined(warehouse)[0][1].startswith("sale_id ")
    put(home, csv_text(*(f'"{key}",c,2025-01-{n:02},1' for n in range(1, 4)), *rows[:50]), "b.csv")
    before = everything(warehouse)
    with pytest.raises(CardwatchError, match=r"keys of 3 of its 53 rows .* '.*' on line 2"):
        load_landed(warehouse, home, FEEDS)
    assert everything(warehouse) == before


@pytest.mark.parametrize("key", ["1E10", "12E4", "null-1", "T1.5", "12.5", "-5", "NANCY"])
def test_a_key_that_only_looks_odd_is_a_key(
    home: Home, warehouse: duckdb.DuckDBPyConnection, key: str
) -> None:
    put(home, csv_text(f"{key},c,2025-01-01,1"))
    assert load_landed(warehouse, home, FEEDS)[0].rows_loaded == 1


def test_a_file_without_keys_is_refused(home: Home, warehouse: duckdb.DuckDBPyConnection) -> None:
    put(home, csv_text(*(f" ,c,2025-01-{n:02},1" for n in range(1, 4)), good(1)))
    with pytest.raises(CardwatchError, match="3 of its 4 rows have no readable sale_id"):
        load_landed(warehouse, home, FEEDS)
    assert warehouse.execute("from raw.load_manifest").fetchall() == []


# --- exports of a company -------------------------------------------------------------------------

HEADER = "transaction_id,card_id,authorized_at,merchant_id,merchant_name,amount,currency"
COMPANY = read_feeds()


def statement(month: int) -> str:
    rows = [
        f"{n},C1,2025-{month:02}-{3 + n:02} 12:00:00,M{n},S,{month}{n}000,KRW" for n in (1, 2, 3)
    ]
    return csv_text(*rows, header=HEADER)


def land_statements(home: Home) -> None:
    folder = home.landing / "company" / "card_transactions"
    folder.mkdir(parents=True)
    for month in (1, 2):
        (folder / f"2025-{month:02}.csv").write_text(statement(month))


def test_a_statement_whose_numbers_restart_is_refused_with_the_way_out(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    prepare_raw(warehouse, COMPANY)
    land_statements(home)
    with pytest.raises(CardwatchError) as refused:
        load_landed(warehouse, home, COMPANY)
    for words in ("2025-02.csv", "3 of its keys", "'1' on line 2", "2025-02-04", "2025-01-04"):
        assert words in str(refused.value)
    assert "key_holds: file" in str(refused.value)
    # as the sentence says
    monthly = [
        replace(feed, key_holds="file") if feed.feed == "card_transactions" else feed
        for feed in COMPANY
    ]
    prepare_raw(warehouse, monthly)
    assert [file.rows_new for file in load_landed(warehouse, home, monthly)] == [3, 3]
    assert len(set(keys(warehouse, "company__card_transactions"))) == 6


def test_an_export_that_a_spreadsheet_spoiled_is_refused(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    prepare_raw(warehouse, COMPANY)
    folder = home.landing / "company" / "card_transactions"
    folder.mkdir(parents=True)
    spoiled = ["1.23457E+14"] * 3 + ["N/A"] * 2 + ["T6"]
    rows = [f"{key},C,2025-01-{6 + n:02},M,S,{n}1000,KRW" for n, key in enumerate(spoiled)]
    (folder / "export.csv").write_text(csv_text(*rows, header=HEADER))
    with pytest.raises(CardwatchError, match=r"5 of its 6 rows .*'1\.23457E\+14' on line 2"):
        load_landed(warehouse, home, COMPANY)
    assert warehouse.execute("from raw.load_manifest").fetchall() == []


def test_other_key_columns_name_the_rows_anew(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    put(home, csv_text(good(1, 5), good(2, 6)))
    load_landed(warehouse, home, [SALES])
    warehouse.execute("update raw.run_state set completed_load_id = 1, requested_since = null")
    prepare_raw(warehouse, [SALES])
    since = "select requested_since::varchar from raw.run_state"
    assert warehouse.execute(since).fetchall() == [(None,)]
    prepare_raw(warehouse, [replace(SALES, key=("card_id", "sale_id"))])
    assert keys(warehouse) == ["shop:token_1:s1", "shop:token_2:s2"]
    assert warehouse.execute(since).fetchall() == [("2025-01-05",)]


def test_a_key_as_given_may_not_look_like_one_of_another_source(
    home: Home, warehouse: duckdb.DuckDBPyConnection
) -> None:
    feeds = [replace(SALES, as_given=True), replace(SALES, source="kiosk", table="kiosk__sales")]
    prepare_raw(warehouse, feeds)
    put(home, csv_text("kiosk:1,c,2025-01-01,1", "other:1,c,2025-01-01,1"))
    load_landed(warehouse, home, feeds)
    assert keys(warehouse) == ["other:1"]
    assert quarantined(warehouse) == [(2, "sale_id begins with the name of another source")]


# --- laws -----------------------------------------------------------------------------------------

texts = st.text("ab:%3A", min_size=1, max_size=5)


@given(st.lists(st.tuples(texts, texts), min_size=2, max_size=2, unique=True))
def test_no_two_keys_of_several_columns_are_one(pairs: list[tuple[str, str]]) -> None:
    found = duckdb.execute(
        f"select {key_expression(OF_TWO)} from (values (?, ?), (?, ?)) as t (card_id, note)",
        [text for pair in pairs for text in pair],
    ).fetchall()
    assert found[0] != found[1]


@given(texts, texts)
def test_a_reference_is_made_as_the_key_is(first: str, second: str) -> None:
    macro = (project_root() / "macros" / "landing" / "key_of.sql").read_text(encoding="utf-8")
    environment = Environment(extensions=["jinja2.ext.do"])  # noqa: S701 - SQL, no page
    for feed in (OF_TWO, replace(OF_TWO, key_holds="file")):
        call = f"{{{{ key_of('shop', ['card_id', 'note'], {feed.key_holds == 'file'}) }}}}"
        reference = environment.from_string(macro + call).render()
        made, referred = duckdb.execute(
            f"select {key_expression(feed)}, {reference} from"
            " (select ? as card_id, ? as note, 'a:b.csv' as _file, 'c0ffee' as _file_hash)",
            [first, second],
        ).fetchall()[0]
        assert made == referred
