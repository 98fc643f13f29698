"""The handbook benchmark: its measures by hand, its refusals, and a small file end to end."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.validation import card_precision
from orchestration.benchmark.handbook_data import DATA_VARIABLE
from orchestration.benchmark.quality import handbook, handbook_weeks
from orchestration.cli.main import main

NEVER = 1_000_000


def integers(*values: int) -> handbook_weeks.Integers:
    return np.array(values, dtype=np.int64)


def floats(*values: float) -> handbook_weeks.Floats:
    return np.array(values, dtype=np.float64)


def booleans(*values: int) -> handbook_weeks.Booleans:
    return np.array(values, dtype=bool)


# --- measures -------------------------------------------------------------------------------------


def test_card_precision_takes_the_highest_score_of_each_card() -> None:
    # card 1 is found by its second purchase although that was not the fraud, card 2 stays below
    precision = card_precision(
        misuse=booleans(1, 0, 1, 0),
        scores=floats(0.1, 0.9, 0.5, 0.6),
        cards=integers(1, 1, 2, 3),
        days=integers(1, 1, 1, 1),
        cards_a_day=2,
    )
    assert precision == 1 / 2


def test_card_precision_leaves_out_on_later_days_what_it_has_found() -> None:
    # day 1: card 1 is found; day 2: card 1 is out, so card 2 is looked at; day 3: card 3 in vain
    precision = card_precision(
        misuse=booleans(1, 0, 1, 1, 0),
        scores=floats(0.9, 0.1, 0.9, 0.2, 0.3),
        cards=integers(1, 2, 1, 2, 3),
        days=integers(1, 1, 2, 2, 3),
        cards_a_day=1,
    )
    assert precision == pytest.approx((1 + 1 + 0) / 3)


def test_card_precision_looks_again_at_what_it_looked_at_in_vain() -> None:
    precision = card_precision(
        misuse=booleans(0, 1),
        scores=floats(0.9, 0.9),
        cards=integers(1, 1),
        days=integers(1, 2),
        cards_a_day=1,
    )
    assert precision == 1 / 2


def test_card_precision_is_a_share_of_the_cards_that_could_have_been_looked_at() -> None:
    precision = card_precision(
        misuse=booleans(1, 1), scores=floats(0.9, 0.8), cards=integers(1, 2), days=integers(1, 1)
    )
    assert precision == 2 / 100


def test_card_precision_does_not_depend_on_the_order_of_the_rows() -> None:
    random = np.random.default_rng(7)
    frauds = random.random(500) < 0.1
    scores = random.integers(0, 5, 500).astype(np.float64)  # many equal scores
    cards, days = random.integers(0, 80, 500), random.integers(0, 7, 500)
    order = random.permutation(500)
    assert card_precision(frauds, scores, cards, days, 10) == card_precision(
        frauds[order], scores[order], cards[order], days[order], 10
    )


def test_average_precision_and_auc_by_hand() -> None:
    # precisions at the two frauds, from the top: 1/1 and 2/3
    measures = handbook_weeks.measure(
        frauds=booleans(1, 0, 1, 0),
        scores=floats(0.9, 0.8, 0.7, 0.1),
        cards=integers(1, 2, 3, 4),
        days=integers(1, 1, 1, 1),
    )
    assert measures.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert measures.auc_roc == pytest.approx(3 / 4)
    assert measures.card_precision_100 == 2 / 100


def test_card_leaves_the_test_eight_days_after_its_first_fraud() -> None:
    test_days = integers(14, 14, 14, 14, 15, 20, 20, 20)
    first_frauds = integers(0, 6, 7, NEVER, 7, 12, 13, NEVER)
    judged = handbook_weeks.still_judged(first_frauds, test_days)
    assert judged.tolist() == [False, False, True, True, False, False, True, True]


def test_published_figures_name_their_source() -> None:
    rows = handbook.published()
    assert {row["split"] for row in rows} == {"single", "four folds"}
    assert all(row["source"] and 0 < row["average_precision"] < 1 for row in rows)
    best = max(row["average_precision"] for row in rows if row["split"] == "four folds")
    assert best == 0.687


# --- the command ----------------------------------------------------------------------------------


class Command:
    """`cardwatch benchmark` in this process, on a home of its own."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.home, self.monkeypatch, self.capsys = home, monkeypatch, capsys
        monkeypatch.setenv("CARDWATCH_HOME", str(home))
        monkeypatch.delenv(DATA_VARIABLE, raising=False)

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["cardwatch", "benchmark", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return int(exit_.value.code or 0), captured.out, captured.err

    def refusal(self, *arguments: object) -> str:
        code, out, _ = self(*arguments, "--json")
        assert code == 1
        return str(json.loads(out)["error"])


@pytest.fixture
def benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(tmp_path / "home", monkeypatch, capsys)


def transactions(days: int = 70, first: date = date(2018, 7, 1), cards: int = 80) -> pa.Table:
    """Purchases of every card on every day; what is dear is mostly a fraud."""
    random = np.random.default_rng(20_180_725)
    rows = days * cards
    day = np.repeat(np.arange(days), cards)
    seconds = random.integers(0, 86_400, rows)
    dear = random.random(rows) < 0.1
    amounts = np.round(np.where(dear, 250, 40) * (0.5 + random.random(rows)), 2)
    start = datetime.combine(first, datetime.min.time())
    return pa.table(
        {
            "TRANSACTION_ID": pa.array(np.arange(rows), pa.int32()),
            "TX_DATETIME": pa.array(
                [
                    start + timedelta(days=int(d), seconds=int(s))
                    for d, s in zip(day, seconds, strict=True)
                ],
                pa.timestamp("us"),
            ),
            "CUSTOMER_ID": np.tile(np.arange(cards), days) + rows * (day // 10),
            "TERMINAL_ID": random.integers(0, 30, rows),
            "TX_AMOUNT": amounts,
            "TX_FRAUD": pa.array((dear & (random.random(rows) < 0.9)).astype(np.int64)),
        }
    )


def write(table: pa.Table, folder: Path) -> Path:
    path = folder / "transactions.parquet"
    pq.write_table(table, path)
    return path


def test_without_data_it_says_what_to_pass(benchmark: Command) -> None:
    assert "--data FILE" in benchmark.refusal("handbook")
    assert DATA_VARIABLE in benchmark.refusal("handbook")


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["planted", "--data", "file.parquet"], "No such option: --data"),
        (["handbook", "--months", "3"], "No such option: --months"),
        (["queue", "--seeds", "0"], "greater than or equal to 1"),
    ],
)
def test_a_benchmark_that_does_not_exist_or_lacks_the_option_is_a_wrong_call(
    benchmark: Command, arguments: list[str], mistake: str
) -> None:
    code, out, err = benchmark(*arguments)
    assert (code, out) == (2, "")
    assert mistake in err
    assert not benchmark.home.exists()


def test_missing_file_is_refused(benchmark: Command, tmp_path: Path) -> None:
    missing = tmp_path / "nothing.parquet"
    assert f"{missing} does not exist" in benchmark.refusal("handbook", "--data", missing)


def test_environment_names_the_file(benchmark: Command, tmp_path: Path) -> None:
    missing = tmp_path / "elsewhere.parquet"
    benchmark.monkeypatch.setenv(DATA_VARIABLE, str(missing))
    assert f"{missing} does not exist" in benchmark.refusal("handbook")


@pytest.mark.parametrize("column", ["TERMINAL_ID", "TX_FRAUD"])
def test_missing_column_is_refused(benchmark: Command, tmp_path: Path, column: str) -> None:
    data = write(transactions(days=1).drop_columns(column), tmp_path)
    sentence = benchmark.refusal("handbook", "--data", data)
    assert f"lacks {column}".lower() in sentence.lower()


def test_scores_never_overwrite_the_data(benchmark: Command, tmp_path: Path) -> None:
    data = write(transactions(days=1), tmp_path)
    sentence = benchmark.refusal("handbook", "--data", data, "--scores", data)
    assert "is the data itself" in sentence
    assert "is a folder" in benchmark.refusal("handbook", "--data", data, "--scores", tmp_path)


def test_rows_that_cannot_be_read_are_refused(benchmark: Command, tmp_path: Path) -> None:
    table = transactions(days=1)
    amounts = pa.array(["much", *["1.00"] * (table.num_rows - 1)])
    data = write(table.drop_columns("TX_AMOUNT").append_column("TX_AMOUNT", amounts), tmp_path)
    sentence = benchmark.refusal("handbook", "--data", data)
    assert "1 rows of" in sentence
    assert "in line 1" in sentence
    assert "tx_amount 'much' is not an amount" in sentence


def test_repeated_transactions_are_refused(benchmark: Command, tmp_path: Path) -> None:
    table = transactions(days=1)
    data = write(pa.concat_tables([table, table.slice(0, 3)]), tmp_path)
    assert "repeats TRANSACTION_ID in 3 rows" in benchmark.refusal("handbook", "--data", data)


def test_small_file_end_to_end(benchmark: Command, tmp_path: Path) -> None:
    table = transactions()
    data = write(table, tmp_path)
    code, out, err = benchmark("handbook", "--data", data, "--json")
    assert code == 0, err
    answer: dict[str, Any] = json.loads(out)

    assert answer["rows"] == table.num_rows
    assert [fold["train_start"] for fold in answer["folds"]] == [
        "2018-08-15",
        "2018-08-08",
        "2018-08-01",
        "2018-07-25",
    ]
    assert answer["single_split"] == answer["folds"][3]
    assert answer["single_split"]["train_rows"] == 7 * 80
    assert answer["single_split"]["test_rows"] < 7 * 80
    for fold in answer["folds"]:
        assert fold["measures"]["auc_roc"] > 0.9
        ceiling = fold["ceiling_card_precision_100"]
        assert 0 < fold["measures"]["card_precision_100"] <= ceiling

    scores_file = benchmark.home / "benchmark" / "handbook_scores.parquet"
    assert answer["scores"] == str(scores_file)
    scores = pq.read_table(scores_file)
    assert scores.schema.names == ["transaction_id", "fold", "score"]
    assert scores.schema.field("transaction_id").type == pa.int32()
    assert scores.schema.field("fold").type == pa.date32()
    assert scores.num_rows == sum(fold["test_rows"] for fold in answer["folds"])
    assert set(scores["transaction_id"].to_pylist()) <= set(table["TRANSACTION_ID"].to_pylist())
    assert scores["score"].null_count == 0
    assert list((benchmark.home / "tmp").iterdir()) == []  # nothing stays but the scores
