"""Files as they are really exported: each is understood, asked about, or refused."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.adoption.adopt import Place, understand
from orchestration.adoption.proposal import UnclearError
from orchestration.engine.errors import CardwatchError
from orchestration.landing.feeds import read_feeds
from tests.orchestration.adoption.corpus import Case
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
