"""The benchmark of features: its definitions against each other, its refusals, its data."""

import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.benchmark.measured_dbt import MeasuredRun
from orchestration.benchmark.speed import growing_company, twelve
from orchestration.benchmark.speed.cardwatch_twelve import by_hand
from orchestration.benchmark.speed.features import read_months
from orchestration.benchmark.speed.growing_company import Company
from orchestration.benchmark.speed.growth import Growth, GrowthPoint
from orchestration.benchmark.speed.plots import plot
from orchestration.benchmark.speed.pruned_sql import prune
from orchestration.cli.main import main
from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import read_feeds
from orchestration.landing.load import prepare_raw


def transactions(rows: int = 400, days: int = 60) -> pa.Table:
    """Rows as the ways of `twelve.py` take them; a fifth share second and card with another."""
    random = np.random.default_rng(20_180_401)
    moments = np.sort(random.integers(0, days * 86_400, rows))
    customers = random.integers(0, 5, rows)
    terminals = random.integers(0, 8, rows)
    repeated = np.flatnonzero(random.random(rows - 1) < 0.2) + 1
    moments[repeated] = moments[repeated - 1]
    customers[repeated] = customers[repeated - 1]
    terminals[repeated[::2]] = terminals[repeated[::2] - 1]
    seconds = moments + 1_522_540_800
    start = datetime(2018, 4, 1)
    return pa.table(
        {
            "transaction_id": np.arange(rows),
            "made_at": pa.array(
                [start + timedelta(seconds=int(moment)) for moment in moments], pa.timestamp("us")
            ),
            "second": seconds,
            "customer_id": customers,
            "terminal_id": terminals,
            "amount": np.round(random.gamma(2, 30, rows), 2),
            "fraud": (random.random(rows) < 0.1).astype(np.int32),
        }
    )


def on_the_edges() -> pa.Table:
    """One customer at one terminal, exactly the windows' lengths apart, and a second more."""
    days = [0, 1, 7, 8, 14, 15, 30, 37, 38]
    moments = sorted({day * 86_400 + more for day in days for more in (0, 1)})
    table = transactions(len(moments))
    start = datetime(2018, 4, 1)
    made_at = pa.array(
        [start + timedelta(seconds=moment) for moment in moments], pa.timestamp("us")
    )
    for name, column in (
        ("made_at", made_at),
        ("second", pa.array([1_522_540_800 + moment for moment in moments])),
        ("customer_id", pa.array([1] * len(moments))),
        ("terminal_id", pa.array([1] * len(moments))),
    ):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def by_duckdb(rows: pa.Table) -> pa.Table:
    with duckdb.connect() as connection:
        connection.register("rows_of_the_test", rows)
        query = f"from ({twelve.duckdb_query('rows_of_the_test')}) order by transaction_id"
        return connection.execute(query).to_arrow_table()


def by_pandas(rows: pa.Table) -> pa.Table:
    return pa.Table.from_pandas(twelve.with_pandas(rows.to_pandas()), preserve_index=False)


@pytest.mark.parametrize("rows", [transactions(), on_the_edges()], ids=["random", "edges"])
def test_every_installed_way_computes_the_same(rows: pa.Table, tmp_path: Path):
    twelve.require_agreement("DuckDB", by_duckdb(rows), "pandas", by_pandas(rows))
    file = tmp_path / "rows.parquet"
    pq.write_table(rows, file)
    timings = twelve.compare(file, tmp_path, threads=1, repeats=1)
    assert timings[0].way == "pandas"
    assert all(timing.seconds or timing.missing for timing in timings)


def test_the_definitions_by_hand():
    rows = transactions()
    found = by_pandas(rows).to_pylist()
    every = rows.to_pylist()
    for place in range(0, len(every), 7):
        row = every[place]
        for window in twelve.WINDOWS:
            ages = [(row["second"] - other["second"]) / 86_400 for other in every]
            recent = [
                other["amount"]
                for other, age in zip(every, ages, strict=True)
                if other["customer_id"] == row["customer_id"] and 0 <= age < window
            ]
            delayed = [
                other["fraud"]
                for other, age in zip(every, ages, strict=True)
                if other["terminal_id"] == row["terminal_id"] and 7 <= age < 7 + window
            ]
            assert found[place][f"customer_count_{window}d"] == len(recent)
            assert found[place][f"customer_mean_{window}d"] == pytest.approx(np.mean(recent))
            assert found[place][f"terminal_count_{window}d"] == len(delayed)
            risk = np.mean(delayed) if delayed else 0
            assert found[place][f"terminal_risk_{window}d"] == pytest.approx(risk)


def test_a_disagreement_is_an_error():
    expected = by_pandas(transactions())
    values = expected["terminal_risk_7d"].to_numpy().copy()
    values[5] += 1e-3
    place = expected.schema.get_field_index("terminal_risk_7d")
    found = expected.set_column(place, "terminal_risk_7d", pa.array(values))
    with pytest.raises(CardwatchError, match="terminal_risk_7d of 1 transactions, the first 5"):
        twelve.require_agreement("this", found, "that", expected)


def test_cardwatch_by_hand_on_one_card():
    start = datetime(2018, 4, 1, 12)
    hours = [0, 1, 1, 25, 24 * 8]
    rows = pa.table(
        {
            "transaction_id": range(5),
            "made_at": pa.array([start + timedelta(hours=h) for h in hours], pa.timestamp("us")),
            "customer_id": [1] * 5,
            "terminal_id": [1] * 5,
            "amount": [10.0, 20.0, 30.0, 40.0, 0.0],
            "fraud": [1, 0, 0, 0, 0],
        }
    )
    found = by_hand(rows, np.arange(5), prior_rate=0.01, prior_weight=5).to_pandas()
    # the two of one second do not see each other; a day before to the second is in the window
    assert found["card_txn_count_1d"].tolist() == [0, 1, 1, 2, 0]
    assert found["card_amount_mean_1d"].tolist()[1:4] == [10, 10, 25]
    # whole days before the day of the transaction; the first three are on one day
    assert found["card_txn_count_7d"].tolist() == [0, 0, 0, 3, 1]
    assert found["merchant_txn_count_30d"].tolist() == [0, 0, 0, 3, 4]
    # decided seven days later, on the day before the last transaction: 1 of 3 was misuse
    assert found["merchant_misuse_rate_1d"].iloc[4] == pytest.approx((1 + 0.05) / (3 + 5))
    assert found["merchant_misuse_rate_30d"].iloc[3] == pytest.approx(0.01)
    assert pd.isna(found["card_amount_mean_1d"].iloc[4])


def test_pruning_leaves_out_what_nobody_asks_for():
    sql = """
        with numbers as (select i, i * 2 as twice, i + 1 as unused from range(9) as numbers(i)),
        stacked as (select * from (select i from numbers union all select twice from numbers)),
        windowed as (
            select
                i,
                sum(i) over before as total,
                count(*) over before as places,
                total + 1 as beside
            from stacked
            window before as (order by i rows between 3 preceding and 1 preceding)
        ),
        final as (select i, total as kept, beside as also_kept, places as dropped from windowed)
        select * from final
    """
    with duckdb.connect() as connection:
        pruned = prune(connection, sql, {"i", "also_kept"})
        assert "count" not in pruned
        assert "dropped" not in pruned
        whole = connection.execute(f"select i, also_kept from ({sql}) order by all").fetchall()
        assert connection.execute(f"from ({pruned}) order by all").fetchall() == whole


def test_a_missing_file_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CARDWATCH_HOME", str(tmp_path / "home"))
    missing = str(tmp_path / "nowhere.parquet")
    monkeypatch.setattr(sys, "argv", ["cardwatch", "benchmark", "features", "--data", missing])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("cardwatch: ")
    assert missing in said[0]


def test_months_are_a_list_of_numbers():
    assert read_months("12,3,12") == (3, 12)
    assert read_months("0") == ()
    for text in ("", "3,many", "-1", "3000"):
        with pytest.raises(CardwatchError, match="write it like 3,6,12,24"):
            read_months(text)


# --- growth ---------------------------------------------------------------------------------------

SMALL = Company(transactions_a_day=200, cards=40, employees=360, departments=4, merchants=90)
RAW_TABLES = ("card_transactions", "labels", "expense_claims", "absences", "trips")


def grown(pieces: list[tuple[date, date]]) -> dict[str, list[tuple[object, ...]]]:
    """Every raw table of a company that sent these days, in the order of its rows."""
    with duckdb.connect() as connection:
        prepare_raw(connection, read_feeds())
        growing_company.fill_registers(connection, SMALL)
        for first, last in pieces:
            growing_company.fill_days(connection, SMALL, first, last)
        tables = ["load_manifest", *(f"company__{name}" for name in RAW_TABLES)]
        return {
            table: connection.execute(f"from raw.{table} order by all").fetchall()
            for table in tables
        }


def test_the_same_company_grows_again_whatever_the_pieces():
    days = [date(2022, 1, day) for day in range(1, 31)]
    whole = grown([(days[0], days[-1])])
    assert whole == grown([(day, day) for day in days])
    assert len(whole["company__card_transactions"]) == 200 * 30
    assert all(whole.values())


def test_a_grown_company_is_one_that_can_be_believed():
    first, last = date(2022, 1, 1), date(2022, 3, 31)
    with duckdb.connect() as connection:
        prepare_raw(connection, read_feeds())
        growing_company.fill_registers(connection, SMALL)
        growing_company.fill_days(connection, SMALL, first, last)

        def number(query: str) -> float:
            row = connection.execute(query).fetchone()
            assert row is not None
            return float(row[0])

        transactions = "raw.company__card_transactions"
        assert number(f"select count(distinct transaction_id) from {transactions}") == 200 * 90
        assert number(f"select avg((status = 'declined')::int) from {transactions}") < 0.03
        assert 0.005 < number(f"select avg((amount < 0)::int) from {transactions}") < 0.03
        assert number(f"select min(abs(amount)) from {transactions}") >= 1000
        assert number(f"select count(distinct hour(authorized_at)) from {transactions}") == 24
        # what is decided or claimed was bought before, and landed on the day it happened
        for feed, moment in (("labels", "decided_at"), ("expense_claims", "submitted_at")):
            assert number(f"select count(*) from raw.company__{feed}") > 0
            late = f"""
                select count(*) from raw.company__{feed} as told
                left join {transactions} as bought using (transaction_id)
                where bought.authorized_at is null or bought.authorized_at > told.{moment}
            """
            assert number(late) == 0
        assert number("select count(distinct load_id) - count(*) from raw.load_manifest") == 0
        out_of_order = """
            select count(*) from raw.load_manifest
            where load_id > 2 and (first_day <> last_day or first_day <> loaded_at::date - 1)
        """
        assert number(out_of_order) == 0


def test_the_picture_has_both_parts(tmp_path: Path):
    points = tuple(
        GrowthPoint(
            months=months,
            transactions=months * 600_000,
            warehouse_bytes=months * 10**9,
            increments=tuple(
                MeasuredRun(
                    seconds + 6, {"feat_transaction": seconds, "int_transactions": 1}, 10**9
                )
                for seconds in (months / 4, months / 3, months / 2)
            ),
        )
        for months in (12, 24)
    )
    found = Growth(Company(), points, history_seconds=100)
    assert found.ratio(24, 12) == pytest.approx((24 / 3 + 1) / (12 / 3 + 1))
    assert found.ratio(48, 12) is None
    png, svg = plot({"pandas": 90.0, "Cardwatch": 5.0}, "Cardwatch", 1000, found, tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    text = svg.read_text(encoding="utf-8")
    assert "Twelve window features" in text
    assert "One more day" in text
