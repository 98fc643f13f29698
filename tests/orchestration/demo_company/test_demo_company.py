"""The demo company: same seed same data, realistic shares, canonical files, no leaked truth."""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.demo_company import DemoSummary, write_demo_company
from orchestration.demo_company.files import FEED_COLUMNS
from orchestration.demo_company.look_alikes import LOOK_ALIKES
from orchestration.demo_company.misuse import KINDS

EMPLOYEES = 300
LAST_DAY = date(2025, 12, 31)
FEEDS = tuple(FEED_COLUMNS)


def write_small(folder: Path, **changes: Any) -> DemoSummary:
    arguments = {"employees": EMPLOYEES, "months": 2, "last_day": LAST_DAY} | changes
    return write_demo_company(folder / "landing", folder / "truth", **arguments)


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file by its path."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoSummary]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, write_small(folder)


@pytest.fixture(scope="module")
def db(company: tuple[Path, DemoSummary]) -> Iterator[duckdb.DuckDBPyConnection]:
    """All feeds and both truth tables as tables."""
    folder, _ = company
    connection = duckdb.connect()
    landing = folder / "landing" / "company"
    connection.sql(
        f"create table card_transactions as from '{landing}/card_transactions/*.parquet'"
    )
    for feed in FEEDS[1:]:
        connection.sql(
            f"create table {feed} as from read_csv('{landing}/{feed}/*.csv', header = true, "
            "sample_size = -1, filename = true)"
        )
    for name in ("misuse", "look_alikes"):
        connection.sql(f"create table {name}_truth as from '{folder}/truth/{name}.parquet'")
    connection.sql(
        "create table acts as "
        "select truth.kind, bill.* from misuse_truth as truth "
        "inner join card_transactions as bill using (transaction_id)"
    )
    yield connection
    connection.close()


def one(db: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = db.sql(query).fetchone()
    assert row is not None
    return row[0]


def test_same_seed_gives_the_same_bytes(company: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    folder, summary = company
    assert write_small(tmp_path) == summary
    assert contents(tmp_path) == contents(folder)


def test_another_seed_gives_other_data(company: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    write_small(tmp_path, seed=7)
    first_day = "landing/company/card_transactions/2025-11-03.parquet"
    assert contents(tmp_path)[first_day] != contents(company[0])[first_day]


def test_writing_again_replaces_files_and_leaves_no_partial_ones(tmp_path: Path) -> None:
    write_small(tmp_path, employees=100, months=1)
    before = contents(tmp_path)
    write_small(tmp_path, employees=100, months=1)
    assert contents(tmp_path) == before
    assert not [name for name in before if Path(name).name.startswith(".")]


def test_summary_counts_what_was_written(
    company: tuple[Path, DemoSummary], db: duckdb.DuckDBPyConnection
) -> None:
    folder, summary = company
    assert summary.transactions == one(db, "select count(*) from card_transactions")
    assert summary.employees == EMPLOYEES
    assert summary.employees == one(db, "select count(distinct employee_id) from employees")
    assert summary.misuse_transactions == one(db, "select count(*) from misuse_truth")
    assert summary.look_alike_transactions == one(db, "select count(*) from look_alikes_truth")
    assert summary.files == len(contents(folder))
    assert (summary.first_day, summary.last_day) == (date(2025, 11, 1), LAST_DAY)


def test_default_size_is_between_110_and_160_thousand(tmp_path: Path) -> None:
    summary = write_demo_company(tmp_path / "landing", tmp_path / "truth")
    assert 110_000 <= summary.transactions <= 160_000
    assert 0.005 <= summary.misuse_transactions / summary.transactions <= 0.015


@pytest.mark.parametrize("feed", FEEDS)
def test_files_have_exactly_the_canonical_columns(
    company: tuple[Path, DemoSummary], feed: str
) -> None:
    files = sorted((company[0] / "landing" / "company" / feed).iterdir())
    assert files
    for path in files:
        reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
        columns = duckdb.sql(f"from {reader}('{path}') limit 0").columns
        assert columns == FEED_COLUMNS[feed]


def test_transaction_types_are_canonical(db: duckdb.DuckDBPyConnection) -> None:
    types = {
        str(name): str(kind) for name, kind, *_ in db.sql("describe card_transactions").fetchall()
    }
    for column in ("authorized_at", "posted_at"):
        assert types.pop(column) == "TIMESTAMP"
    for column in ("amount", "latitude", "longitude"):
        assert types.pop(column) == "DOUBLE"
    assert set(types.values()) == {"VARCHAR"}


def test_files_hold_only_their_own_day(
    company: tuple[Path, DemoSummary], db: duckdb.DuckDBPyConnection
) -> None:
    landing = company[0] / "landing" / "company"
    db.sql(
        "create or replace temp view named as "
        f"select authorized_at as moment, filename from read_parquet("
        f"'{landing}/card_transactions/*.parquet', filename = true)"
    )
    for query in (
        "from named",
        "select submitted_at as moment, filename from expense_claims",
        "select coalesce(approved_at, submitted_at) as moment, filename from expense_claims",
        "select flagged_at as moment, filename from external_hits",
        "select decided_at as moment, filename from labels",
    ):
        stray = f"from ({query}) where not contains(filename, strftime(moment, '%Y-%m-%d'))"
        assert one(db, f"select count(*) {stray}") == 0, query


def test_misuse_is_about_one_percent(company: tuple[Path, DemoSummary]) -> None:
    _, summary = company
    assert 0.005 <= summary.misuse_transactions / summary.transactions <= 0.02


def test_few_employees_cause_most_misuse(db: duckdb.DuckDBPyConnection) -> None:
    share = one(
        db,
        "with per_person as (select count(*) as n from misuse_truth group by employee_id), "
        "ranked as (select n, row_number() over (order by n desc) as place from per_person) "
        f"select sum(n) filter (where place <= {EMPLOYEES * 0.05}) / sum(n) from ranked",
    )
    assert share > 0.8


def test_every_kind_and_every_look_alike_is_present(db: duckdb.DuckDBPyConnection) -> None:
    kinds = dict(db.sql("select distinct kind, described_by_rule from misuse_truth").fetchall())
    assert kinds == {kind.name: kind.rule for kind in KINDS}
    assert sum(rule is not None for rule in kinds.values()) >= 15
    assert sum(rule is None for rule in kinds.values()) >= 4
    resembled = {row[0] for row in db.sql("select looks_like from look_alikes_truth").fetchall()}
    assert resembled == {kind.name for kind in KINDS if kind.rule is not None}
    assert {sort.looks_like for sort in LOOK_ALIKES} == resembled


def test_no_transaction_is_both_misuse_and_look_alike(db: duckdb.DuckDBPyConnection) -> None:
    both = "select count(*) from misuse_truth inner join look_alikes_truth using (transaction_id)"
    assert one(db, both) == 0


@pytest.mark.parametrize(
    ("child", "column", "parent", "key"),
    [
        ("card_transactions", "card_id", "cards", "card_id"),
        ("card_transactions", "employee_id", "employees", "employee_id"),
        ("card_transactions", "original_transaction_id", "card_transactions", "transaction_id"),
        ("cards", "employee_id", "employees", "employee_id"),
        ("employees", "manager_id", "employees", "employee_id"),
        ("expense_claims", "employee_id", "employees", "employee_id"),
        ("expense_claims", "approver_id", "employees", "employee_id"),
        ("expense_claims", "transaction_id", "card_transactions", "transaction_id"),
        ("absences", "employee_id", "employees", "employee_id"),
        ("trips", "employee_id", "employees", "employee_id"),
        ("external_hits", "transaction_id", "card_transactions", "transaction_id"),
        ("labels", "transaction_id", "card_transactions", "transaction_id"),
        ("misuse_truth", "transaction_id", "card_transactions", "transaction_id"),
        ("look_alikes_truth", "transaction_id", "card_transactions", "transaction_id"),
    ],
)
def test_references_resolve(
    db: duckdb.DuckDBPyConnection, child: str, column: str, parent: str, key: str
) -> None:
    orphans = (
        f"select count(*) from {child} as child where child.{column} is not null "
        f"and not exists (from {parent} as parent where parent.{key} = child.{column})"
    )
    assert one(db, orphans) == 0


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("card_transactions", "transaction_id"),
        ("cards", "card_id, valid_from"),
        ("employees", "employee_id, valid_from"),
        ("expense_claims", "claim_id"),
        ("external_hits", "filter, transaction_id"),
        ("labels", "transaction_id"),
        ("misuse_truth", "transaction_id"),
        ("look_alikes_truth", "transaction_id"),
    ],
)
def test_keys_are_unique(db: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    assert one(db, f"select count(*) - count(distinct ({key})) from {table}") == 0


def test_purchases_are_on_a_card_that_was_active_for_its_holder(
    db: duckdb.DuckDBPyConnection,
) -> None:
    wrong = one(
        db,
        "select count(*) from card_transactions as bill "
        "asof left join cards as card "
        "on bill.card_id = card.card_id and bill.authorized_at >= card.valid_from "
        "where card.status is distinct from 'active' "
        "or card.employee_id is distinct from bill.employee_id",
    )
    assert wrong == 0


def test_refunds_follow_their_purchase(db: duckdb.DuckDBPyConnection) -> None:
    wrong = one(
        db,
        "select count(*) from card_transactions as refund "
        "left join card_transactions as bill "
        "on refund.original_transaction_id = bill.transaction_id "
        "where refund.amount < 0 and (bill.transaction_id is null "
        "or refund.amount <> -bill.amount or refund.authorized_at <= bill.authorized_at "
        "or refund.merchant_id <> bill.merchant_id or bill.status <> 'approved')",
    )
    assert wrong == 0
    assert one(db, "select count(*) from card_transactions where amount < 0") > 0


def test_shares_of_refunds_declines_and_hits(db: duckdb.DuckDBPyConnection) -> None:
    assert 0.008 < one(db, "select avg((amount < 0)::int) from card_transactions") < 0.02
    assert 0.005 < one(db, "select avg((status = 'declined')::int) from card_transactions") < 0.015
    hits = "select count(distinct transaction_id) from external_hits"
    total = one(db, "select count(*) from card_transactions")
    assert 0.02 < one(db, hits) / total < 0.045


def test_filters_overlap_and_see_only_part(db: duckdb.DuckDBPyConnection) -> None:
    total = one(db, "select count(*) from card_transactions")
    hits = dict(db.sql("select filter, count(*) from external_hits group by filter").fetchall())
    assert set(hits) == {"rules_v1", "tree_v1"}
    both = one(
        db,
        "select count(*) from (select transaction_id from external_hits "
        "group by transaction_id having count(*) = 2)",
    )
    assert both > 3 * hits["rules_v1"] * hits["tree_v1"] / total
    caught = one(
        db,
        "select count(distinct transaction_id) from misuse_truth "
        "inner join external_hits using (transaction_id)",
    )
    misuse = one(db, "select count(*) from misuse_truth")
    assert 0.15 < caught / misuse < 0.7
    assert caught < 0.5 * one(db, "select count(distinct transaction_id) from external_hits")


def test_hits_and_labels_come_after_the_purchase_and_within_the_period(
    db: duckdb.DuckDBPyConnection,
) -> None:
    for feed, moment in (("external_hits", "flagged_at"), ("labels", "decided_at")):
        wrong = (
            f"select count(*) from {feed} inner join card_transactions using (transaction_id) "
            f"where {moment} <= authorized_at or {moment} >= '2026-01-01'"
        )
        assert one(db, wrong) == 0


def test_reviewers_err_a_little(db: duckdb.DuckDBPyConnection) -> None:
    decided = dict(
        db.sql(
            "select truth.transaction_id is not null, avg((label.misuse)::int) "
            "from labels as label left join misuse_truth as truth using (transaction_id) "
            "group by all"
        ).fetchall()
    )
    assert 0.75 < decided[True] < 1
    assert 0 < decided[False] < 0.1


def test_claims_are_filed_after_the_purchase_and_approved_by_somebody_else(
    db: duckdb.DuckDBPyConnection,
) -> None:
    early = (
        "select count(*) from expense_claims inner join card_transactions using (transaction_id) "
        "where submitted_at <= authorized_at or approved_at < submitted_at"
    )
    assert one(db, early) == 0
    assert one(db, "select count(*) from expense_claims where approver_id = employee_id") == 0


@pytest.mark.parametrize(
    ("kind", "shown_by"),
    [
        ("restricted_merchant", "mcc in ('7297', '7992', '7911', '7298', '7995', '7994', '7230')"),
        (
            "weekend_private",
            "dayofweek(authorized_at) in (0, 6) or strftime(authorized_at, '%m-%d') = '12-25'",
        ),
        (
            "late_night_bar",
            "mcc = '5813' and (hour(authorized_at) >= 19 or hour(authorized_at) < 6)",
        ),
        (
            "disguised_bar",
            "mcc = '5812' and (hour(authorized_at) >= 19 or hour(authorized_at) < 6)",
        ),
        ("card_discount_cash", "amount % 10000 = 0"),
        (
            "use_on_leave",
            "exists (from absences as leave where leave.employee_id = acts.employee_id "
            "and authorized_at >= starts_at and authorized_at < ends_at)",
        ),
        (
            "home_city_during_trip",
            "exists (from trips as trip where trip.employee_id = acts.employee_id "
            "and authorized_at::date between starts_at::date and ends_at::date "
            "and trip.city <> merchant_city)",
        ),
        (
            "two_people_one_bill",
            "exists (from acts as other where other.merchant_id = acts.merchant_id "
            "and other.amount = acts.amount and other.employee_id <> acts.employee_id)",
        ),
        (
            "card_and_cash_claim",
            "exists (from expense_claims as claim where claim.employee_id = acts.employee_id "
            "and claim.amount = acts.amount and claim.payment = 'cash') "
            "or authorized_at > '2025-12-10'",
        ),
    ],
)
def test_kinds_show_in_the_feeds(db: duckdb.DuckDBPyConnection, kind: str, shown_by: str) -> None:
    assert one(db, f"select count(*) from acts where kind = '{kind}'") > 0
    assert one(db, f"select count(*) from acts where kind = '{kind}' and not ({shown_by})") == 0


def test_landing_says_nothing_about_the_truth(company: tuple[Path, DemoSummary]) -> None:
    landing = company[0] / "landing"
    assert {path.name for path in (landing / "company").iterdir()} == set(FEEDS)
    words = [kind.name for kind in KINDS] + [sort.why_innocent for sort in LOOK_ALIKES]
    for path in landing.rglob("*.csv"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], path.name


def test_identifiers_are_tokens_and_not_card_numbers(db: duckdb.DuckDBPyConnection) -> None:
    odd = "select count(*) from cards where not regexp_full_match(card_id, 'card_[0-9]{6}')"
    assert one(db, odd) == 0
    odd = (
        "select count(*) from card_transactions where not "
        "coalesce(regexp_full_match(merchant_registration_no, '9[0-9]{2}-[0-9]{2}-[0-9]{5}'), "
        "merchant_country <> 'KR')"
    )
    assert one(db, odd) == 0


@pytest.mark.parametrize("arguments", [{"employees": 99}, {"months": 0}])
def test_too_small_a_company_is_refused(tmp_path: Path, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        write_small(tmp_path, **arguments)
    assert not list(tmp_path.iterdir())
