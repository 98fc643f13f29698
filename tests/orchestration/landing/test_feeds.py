"""Which feeds there are, and their raw tables."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.engine.warehouse import connect
from orchestration.landing.feeds import Column, Feed, read_feeds
from orchestration.landing.load import load_landed, prepare_raw
from tests.orchestration.landing.shop import REQUIRED, SALES, csv_text, good, put

# --- feeds and raw tables -------------------------------------------------------------------------

YML = """
sources:
  - name: {source}
    schema: raw
    tables:
      - name: {feed}
        identifier: {table}
        config: {{meta: {{event_column: {event}}}}}
        columns:
          - {{name: at, data_type: timestamp, config: {{meta: {{required: true}}}}}}
          - {{name: {column}, data_type: {data_type}}}
          - {{name: _load_id, data_type: bigint}}
"""


GOOD_YML = {
    "source": "newco",
    "feed": "spend",
    "table": "newco__spend",
    "event": "at",
    "column": "what",
    "data_type": "varchar",
}


def project(folder: Path, **changes: str) -> Path:
    path = folder / "models" / "staging" / "newco" / "_newco__sources.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(YML.format(**GOOD_YML | changes), encoding="utf-8")
    return folder


def test_the_canonical_feeds_are_declared_with_what_they_require() -> None:
    declared = {
        feed.feed: (" ".join(feed.required), feed.event_column)
        for feed in read_feeds()
        if feed.source == "company"
    }
    assert declared == {
        "card_transactions": (
            "transaction_id card_id authorized_at merchant_id amount currency",
            "authorized_at",
        ),
        "cards": ("card_id employee_id valid_from", "valid_from"),
        "employees": ("employee_id department_id valid_from", "valid_from"),
        "expense_claims": ("claim_id employee_id submitted_at amount", "submitted_at"),
        "absences": ("employee_id starts_at ends_at", "starts_at"),
        "trips": ("employee_id starts_at ends_at", "starts_at"),
        "review_events": ("event_id case_id event occurred_at actor_id", "occurred_at"),
        "external_hits": ("filter transaction_id flagged_at", "flagged_at"),
        "labels": ("transaction_id misuse decided_at", "decided_at"),
        "exchange_rates": ("day currency base_currency rate", "day"),
    }
    for feed in read_feeds():
        assert feed.table == f"{feed.source}__{feed.feed}"
        cards = {column.name for column in feed.columns if column.card_number}
        called = {"card_id", "card_no", "card_num", "account_number", "billing_account"}
        assert cards >= called & {column.name for column in feed.columns}


def test_a_new_company_needs_its_own_folder_only(tmp_path: Path, home: Home) -> None:
    feeds = read_feeds(project(tmp_path))
    path = home.landing / "newco" / "spend" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("at,what\n2025-01-01,lunch\n", encoding="utf-8")
    with connect(home) as connection:
        prepare_raw(connection, feeds)
        assert [file.rows_loaded for file in load_landed(connection, home, feeds)] == [1]
        assert connection.execute("select what from raw.newco__spend").fetchall() == [("lunch",)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"source": "'new co'"}, "uses the name 'new co'; names are lower case letters"),
        ({"feed": "'spend; drop table raw.load_manifest'"}, "uses the name 'spend; drop"),
        ({"table": "'x\" (a int); --'"}, "uses the name 'x\" "),
        ({"column": "'what\" varchar); --'"}, "uses the name 'what\" varchar"),
        ({"column": "What"}, "uses the name 'What'"),
        ({"column": '"what\\n"'}, r"uses the name 'what\\n'"),
        ({"column": "7"}, "uses the name 7"),
        ({"column": "at"}, "declares spend.at twice; remove one of them"),
        ({"data_type": "varchar); --"}, r"gives what the data_type 'varchar\); --'; use one of: v"),
        ({"data_type": "''"}, "gives what the data_type ''"),
        ({"event": "what"}, "must name a required timestamp or date column of spend"),
        ({"event": "''"}, "must name a required timestamp or date column of spend"),
        ({"table": "company__cards"}, "is declared twice under"),
        ({"feed": "[1, 2"}, "is not readable yml; correct it"),
        ({"column": "{}"}, "is not a dbt source declaration as Cardwatch needs it"),
    ],
)
def test_a_hostile_or_wrong_declaration_is_refused(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    root = project(tmp_path, **changes)
    other = root / "models" / "staging" / "company" / "_company__sources.yml"
    other.parent.mkdir()
    known = {"source": "company", "feed": "cards", "table": "company__cards"}
    other.write_text(YML.format(**GOOD_YML | known), encoding="utf-8")
    with pytest.raises(CardwatchError, match=sentence) as refusal:
        read_feeds(root)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("content", ["", "models: []", "sources: [{name: x, schema: raw}]", "[]"])
def test_a_file_that_declares_no_source_is_refused(tmp_path: Path, content: str) -> None:
    root = project(tmp_path)
    (root / "models/staging/newco/_newco__sources.yml").write_text(content, encoding="utf-8")
    with pytest.raises(CardwatchError, match="is not a dbt source declaration as Cardwatch needs"):
        read_feeds(root)


def test_a_source_that_something_else_loads_has_no_feeds(tmp_path: Path) -> None:
    root = project(tmp_path)
    path = root / "models/staging/newco/_newco__sources.yml"
    path.write_text(path.read_text("utf-8").replace("schema: raw", "schema: erp"), "utf-8")
    assert read_feeds(root) == []


def test_a_column_that_the_yml_has_gained_is_added(home: Home) -> None:
    older = Feed(
        SALES.source, SALES.feed, SALES.table, SALES.event_column, SALES.columns[:4], SALES.key
    )
    with connect(home) as connection:
        prepare_raw(connection, [older])
        put(home, csv_text(good(1)))
        load_landed(connection, home, [older])
        prepare_raw(connection, [SALES])
        prepare_raw(connection, [SALES])
        put(home, csv_text(good(1) + ",3", header=REQUIRED + ",pieces"), "b.csv")
        (file,) = load_landed(connection, home, [SALES])
        assert file.first_day == date(2025, 1, 1)
        pieces = connection.execute("select pieces from raw.shop__sales order by _load_id")
        assert pieces.fetchall() == [(None,), (3,)]
        state = connection.execute(
            "select completed_load_id, completed_until, requested_since, requested_until"
            " from raw.run_state"
        )
        assert state.fetchall() == [(0, None, None, None)]


def test_a_column_that_has_changed_its_type_is_refused(home: Home) -> None:
    changed = Column("amount", "INTEGER", required=True, card_number=False)
    columns = (*SALES.columns[:3], changed)
    with connect(home) as connection:
        prepare_raw(connection, [SALES])
        with pytest.raises(CardwatchError, match="amount is DOUBLE in the warehouse and INTEGER"):
            prepare_raw(connection, [Feed("shop", "sales", "shop__sales", "sold_at", columns)])
