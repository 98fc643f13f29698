"""The same company in another currency has the same hits; sums never mix currencies."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.demo_company.land import land_demo
from orchestration.engine.home import Home, project_root
from orchestration.settings.company import COMPANY, set_company
from orchestration.settings.thresholds import THRESHOLDS
from tests.models.model_steps import Project, Row, Warehouse

#: What one unit is worth in won: powers of ten, so that every converted amount is exact, and as
#: large as the currency's round_unit is small, so that the same amounts are round.
RATES = {"KRW": 1, "USD": 1000, "EUR": 1000, "JPY": 10}
AMOUNTS = {
    "card_transactions": ("amount",),
    "cards": ("single_limit", "monthly_limit"),
    "expense_claims": ("amount",),
}

Hits = set[tuple[str, str, str]]


@pytest.fixture(scope="module")
def won(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The landed files of the demo company, which are in won."""
    home = Home(tmp_path_factory.mktemp("won") / "home")
    home.create()
    land_demo(home, employees=100, months=3)
    return home.landing / "company"


def land_in(warehouse: Warehouse, won: Path, currency: str) -> None:
    """Put the company's files into the landing folder with all amounts in another currency."""
    for folder in sorted(won.iterdir()):
        if folder.name in ("review_events", "external_hits"):
            continue
        target = warehouse.home.landing / "company" / folder.name
        target.mkdir(parents=True)
        [example, *_] = sorted(folder.iterdir())
        reader = "read_parquet" if example.suffix == ".parquet" else "read_csv"
        # amounts in tens of won, of which a dollar has cents
        replaced = [
            f"(round({name}, -1)::decimal(18, 2) / {RATES[currency]})::decimal(18, 2) as {name}"
            for name in AMOUNTS.get(folder.name, ())
        ]
        replaced += [f"'{currency}' as currency"] if folder.name == "card_transactions" else []
        changed = f"replace ({', '.join(replaced)})" if replaced else ""
        duckdb.sql(
            f"copy (select * {changed} from {reader}('{folder}/*', union_by_name = true))"
            f" to '{target}/all.csv' (header)"
        )


def set_currency(warehouse: Warehouse, folder: Path, currency: str) -> None:
    """Set the company's currency as `cardwatch init` does, and take the seeds it wrote."""
    shutil.copytree(project_root() / "seeds", folder / "seeds")
    set_company(folder, currency, "KR", 1 / RATES[currency])
    for name, path in (("company", COMPANY), ("rule_thresholds", THRESHOLDS)):
        warehouse.connection.execute(
            f"delete from seeds.{name};"
            f" insert into seeds.{name} by name"
            f" select * from read_csv('{folder / path}', all_varchar = true)"
        )


def hits(warehouse: Warehouse) -> Hits:
    views = warehouse.values("select view_name from duckdb_views() where schema_name = 'rules'")
    query = " union all ".join(
        f"select rule_id, subject_type, subject_id from rules.{view}" for (view,) in views
    )
    return {(rule, kind, subject) for rule, kind, subject in warehouse.values(query)}


def test_the_same_company_in_another_currency_has_the_same_hits(
    recorded: Project, won: Path, tmp_path: Path
) -> None:
    found: dict[str, Hits] = {}
    for currency in RATES:
        with Warehouse(recorded, tmp_path / f"home_{currency}", threads=2) as warehouse:
            set_currency(warehouse, tmp_path / currency, currency)
            land_in(warehouse, won, currency)
            warehouse.run()
            found[currency] = hits(warehouse)
    rules = {rule for rule, _, _ in found["KRW"]}
    assert len(rules) > 35, sorted(rules)
    for currency, other in found.items():
        assert sorted(found["KRW"] ^ other) == [], currency


def purchase(number: int, amount: float, currency: str) -> Row:
    values = {
        "transaction_id": f"t{number}",
        "card_id": "c1",
        "authorized_at": f"2025-03-{number:02} 12:00:00",
        "merchant_id": "m1",
        "amount": amount,
        "currency": currency,
    }
    return Row("card_transactions", values)


def rate(day: str, currency: str, worth: float) -> Row:
    values = {"day": day, "currency": currency, "base_currency": "KRW", "rate": worth}
    return Row("exchange_rates", values)


def test_a_mean_adds_up_one_currency_only_and_a_late_rate_changes_its_days(
    recorded: Project, tmp_path: Path
) -> None:
    mean = """
        select card_amount_mean_30d from features.feat_transaction where transaction_id = 't9'
    """
    with Warehouse(recorded, tmp_path / "home") as warehouse:
        rows = [purchase(1, 10_000, "KRW"), purchase(2, 20, "USD"), purchase(9, 10_000, "KRW")]
        warehouse.place(rows)
        warehouse.run()
        # by the illustrative rate of 1,400
        assert warehouse.values(mean) == [(19_000,)]
        warehouse.place([rate("2025-03-01", "USD", 1_500)])
        warehouse.run()
        assert warehouse.values(mean) == [(20_000,)]


def test_without_a_rate_a_purchase_counts_and_has_no_amount(
    recorded: Project, tmp_path: Path
) -> None:
    with Warehouse(recorded, tmp_path / "home") as warehouse:
        warehouse.place([purchase(1, 10_000, "KRW"), purchase(2, 20, "THB"), purchase(9, 1, "KRW")])
        warehouse.run()
        found = warehouse.values(
            "select transaction_id, amount, card_txn_count_30d, is_purchase"
            " from features.feat_transaction order by all"
        )
    assert found == [("t1", 10_000, 0, True), ("t2", None, 1, True), ("t9", 1, 2, True)]
