"""Files as they are really exported: each is understood, asked about, or refused."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.adoption.adopt import Place, adopt, understand
from orchestration.adoption.proposal import Answers, UnclearError
from orchestration.engine.errors import CardwatchError
from orchestration.engine.home import Home
from orchestration.landing.feeds import read_feeds
from tests.orchestration.adoption.corpus import Case, rows, text
from tests.orchestration.adoption.corpus_other import OTHER
from tests.orchestration.adoption.corpus_western import WESTERN

TODAY = date(2026, 1, 1)
FEEDS = read_feeds()
CASES = (*WESTERN, *OTHER)
UNDERSTOOD = [case for case in CASES if not case.refusal and not case.asked and case.rows]


def file_of(case: Case, folder: Path) -> Path:
    path = folder / f"export{case.suffix}"
    case.write(path)
    return path


@pytest.mark.parametrize("case", UNDERSTOOD, ids=lambda case: case.name)
def test_a_file_is_understood(case: Case, tmp_path: Path) -> None:
    found = understand(
        FEEDS,
        [file_of(case, tmp_path)],
        "bank",
        "card_transactions",
        case.answers,
        Place(),
        TODAY,
    )
    headers = {column.name: column.called[0] for column in found.columns}
    assert {name: headers.get(name) for name in case.columns} == dict(case.columns)
    settings = {name: getattr(found.layout, name) for name in case.settings}
    assert settings == dict(case.settings)
    assert case.constants.items() <= found.constants.items()
    assert (found.key.columns, found.key.holds) == (case.key, case.holds)
    assert found.has_time == case.has_time


@pytest.mark.parametrize("case", [case for case in CASES if case.asked], ids=lambda case: case.name)
def test_what_a_file_leaves_open_is_asked(case: Case, tmp_path: Path) -> None:
    with pytest.raises(UnclearError) as refused:
        understand(
            FEEDS,
            [file_of(case, tmp_path)],
            "bank",
            "card_transactions",
            case.answers,
            Place(),
            TODAY,
        )
    assert tuple(each.option for each in refused.value.questions) == case.asked


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.refusal], ids=lambda case: case.name
)
def test_what_is_no_list_is_refused_in_one_sentence(case: Case, tmp_path: Path) -> None:
    with pytest.raises(CardwatchError, match=case.refusal) as refused:
        understand(
            FEEDS,
            [file_of(case, tmp_path)],
            "bank",
            "card_transactions",
            case.answers,
            Place(),
            TODAY,
        )
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("case", UNDERSTOOD, ids=lambda case: case.name)
def test_every_row_of_a_file_is_accounted_for(case: Case, tmp_path: Path) -> None:
    tried = adopt(
        Home(tmp_path / "home"),
        [file_of(case, tmp_path)],
        "bank",
        answers=case.answers,
        dry_run=True,
        today=TODAY,
    ).trial
    assert (tried.rows, tried.quarantined) == (case.rows, case.quarantined)
    assert len(tried.examples) == min(3, case.rows)
    for row in tried.examples:
        assert row["card_id"]
        assert row["merchant_id"]
        assert row["authorized_precision"] == ("second" if case.has_time else "day")
        assert row["amount"] > 0
    if case.first:
        first = tried.examples[0]
        day, merchant, amount = case.first
        assert f"{first['authorized_at']:%Y-%m-%d}" == day
        assert (first["merchant_name"], first["amount"]) == (merchant, Decimal(amount))


def test_a_word_that_is_the_same_in_every_row_is_no_card(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = rows("2025-04-{day},{shop},{pence},GBP,Purchase card,Parks")
    text("Date,Merchant,Amount,Currency,Card,Department", *lines)(path)
    found = understand(FEEDS, [path], "bank", "card_transactions", Answers(), Place(), TODAY)
    assert "card_id" not in found.names
    assert "department_id" in found.names


def test_an_amount_that_is_mostly_blank_is_not_the_amount(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [
        *rows("2025-04-{day},{shop},{pence},,GBP"),
        "2025-04-20,Corner Bakery,5.00,6.00,GBP",
    ]
    text("Date,Merchant,Gross Amt,Billing Gross Amt,Currency", *lines)(path)
    found = understand(FEEDS, [path], "bank", "card_transactions", Answers(), Place(), TODAY)
    assert {column.name: column.called[0] for column in found.columns}["amount"] == "Gross Amt"
