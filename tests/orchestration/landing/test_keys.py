"""What names a row: two sources, or two months, cannot meet."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from orchestration.engine.home import Home, project_root
from orchestration.landing.feeds import Feed, read_feeds
from orchestration.landing.folder import copy_to_landing
from orchestration.landing.keys import key_expression
from orchestration.landing.load import load_landed, prepare_raw
from tests.orchestration.landing.shop import SALES, csv_text, good, put

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
    warehouse.execute("alter table raw.shop__sales drop column _key")
    prepare_raw(warehouse, [SALES])
    assert keys(warehouse) == expected == ["shop:s1", "shop:s2"]


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
